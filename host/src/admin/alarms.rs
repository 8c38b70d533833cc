//! The alarms of apps: those that are to ring next.

use hyper::StatusCode;

use super::api::{Answer, internal};
use super::connections::{asked, limited};
use super::wire::{AlarmInfo, AlarmOwner, Alarms};
use super::{Desk, reply};
use crate::alarm::{Alarm, Moment, Owner};
use crate::app::App;
use crate::limits;

impl Desk {
    /// The next first. `app` says which.
    pub(super) async fn alarms(&self, query: Option<&str>) -> Answer {
        let [app, limit] = asked(query, ["app", "limit"])?;
        let limit = limit.map_or(Ok(limits::CONNECTIONS_LISTED), |limit| limited(&limit))?;
        let apps = match &app {
            Some(app) => vec![self.deployer.app(app)?],
            None => self.service.apps.all(),
        };
        let (mut total, mut alarms) = (0, Vec::new());
        for app in apps {
            total += app.alarms().waiting().await.map_err(internal)?;
            let most = u32::try_from(limit).unwrap_or(u32::MAX);
            let upcoming = app.alarms().upcoming(most).await.map_err(internal)?;
            alarms.extend(upcoming.into_iter().map(|alarm| info(&app, alarm)));
        }
        alarms.sort_by_key(|alarm| alarm.next_ms);
        alarms.truncate(limit);
        Ok(reply::json(StatusCode::OK, &Alarms { total, alarms }))
    }
}

fn info(app: &App, alarm: Alarm) -> AlarmInfo {
    let Alarm { setting, next, failed, error, cron, .. } = alarm;
    let (owner, session) = match setting.owner {
        Owner::App => (AlarmOwner::App, None),
        Owner::Manifest => (AlarmOwner::Manifest, None),
        Owner::Session(key) => (AlarmOwner::Session, Some(key.tag())),
    };
    AlarmInfo {
        app: app.name.clone(),
        owner,
        session,
        name: setting.name,
        handler: setting.handler,
        due_ms: millis(setting.due),
        next_ms: millis(next),
        attempt: failed.saturating_add(1),
        error,
        cron,
    }
}

fn millis(at: Moment) -> u64 {
    at.0 / 1_000_000
}
