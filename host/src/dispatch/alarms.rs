//! Alarms that are due, on their way to the handlers that set them.
//!
//! Owns what a call comes to: the alarm is over, rings again, or is given up. One that is noted nowhere, since the host died,
//! rings again.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio_util::task::TaskTracker;

use super::{Seat, poll, report};
use crate::alarm::{Alarm, AlarmError, Cron, Ended, Key, Moment, Owner, Retry, retry};
use crate::app::{App, Apps, Version};
use crate::event::{Lot, random_u64};
use crate::failure::{Fault, ReportId};
use crate::feed::What;
use crate::instance::Handler;
use crate::limits;
use crate::port::alarm::AlarmPort;
use crate::session::{SessionBinding, SessionError, Sessions};
use crate::usage::micros;

/// Begins the calls of all alarms that are due; when to look again, if nobody wants it earlier.
pub async fn look(apps: &Apps, tasks: &TaskTracker) -> Duration {
    let now = Moment::now();
    let next = join_all(apps.all().into_iter().map(async |app| match of_app(&app, tasks, now).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(app = app.name, "its alarms: {error}");
            now.after(limits::ALARM_PAUSE)
        }
    }));
    let next = next.await.into_iter().min().unwrap_or(Moment::NEVER);
    next.since(Moment::now()).min(limits::ALARM_LOOK)
}

async fn of_app(app: &Arc<App>, tasks: &TaskTracker, now: Moment) -> Result<Moment, AlarmError> {
    let (alarms, version) = (app.alarms(), app.current());
    alarms.follow(version.number, &version.alarms, now).await?;
    drop(version);
    if alarms.wanted() <= now {
        for key in alarms.look(now).await? {
            tasks.spawn(ring(app.clone(), key));
        }
    }
    Ok(alarms.wanted())
}

/// One alarm, until what came of it is durable.
async fn ring(app: Arc<App>, key: Key) {
    match app.alarms().one(key).await {
        Ok(Some(alarm)) => {
            let ended = called(&app, &alarm).await;
            while let Err(error) = app.alarms().note(key, ended.clone()).await {
                tracing::warn!(app = app.name, alarm = alarm.setting.name, "that it has rung: {error}");
                tokio::time::sleep(limits::ALARM_PAUSE).await;
            }
        }
        // Cancelled, or set anew, since it was looked for.
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(app = app.name, "an alarm: {error}");
            tokio::time::sleep(limits::ALARM_PAUSE).await;
        }
    }
    app.alarms().ended(key);
}

/// Calls its handler; what becomes of it.
async fn called(app: &Arc<App>, alarm: &Alarm) -> Ended {
    let version = match alarm.setting.owner {
        Owner::Session(key) => app.version_for(Lot::of(key.as_bytes())),
        Owner::App | Owner::Manifest => app.current(),
    };
    let session = match session(app, &version, alarm).await {
        Ok(session) => session,
        Err(SessionError::Unavailable(cause)) => return later(alarm, &cause),
        Err(_) => {
            tracing::debug!(app = app.name, alarm = alarm.setting.name, "dropped: its session has ended");
            return Ended::Done;
        }
    };
    let name = alarm.setting.handler.as_str();
    let Some(handler) = version.handler(name).filter(|handler| handler.exports.alarm.is_some()).cloned() else {
        let id = ReportId::mint();
        Fault::Unheard.log(id, name);
        return failed(app, alarm, &Fault::Unheard, None);
    };
    let begun = Instant::now();
    match call(app, Seat::new(version.number, handler.clone()), alarm, session).await {
        Ok(()) => {
            app.alarms().counts.rang.fetch_add(1, Relaxed);
            handler.source().tell(None, || What::Rang {
                alarm: alarm.setting.name.clone(),
                attempt: alarm.failed + 1,
                micros: micros(begun.elapsed()),
            });
            over(alarm)
        }
        Err((fault, id)) => {
            let Alarm { setting, failed: before, .. } = alarm;
            tracing::info!(report = %id, app = app.name, alarm = setting.name, attempt = before + 1, "an alarm failed");
            failed(app, alarm, &fault, Some(&handler))
        }
    }
}

/// The session that it is of, if it is one's; `Deleted` where that has ended.
async fn session(app: &App, version: &Version, alarm: &Alarm) -> Result<Option<SessionBinding>, SessionError> {
    let Owner::Session(key) = alarm.setting.owner else { return Ok(None) };
    let Sessions::Kept(db) = &app.sessions else { return Err(SessionError::Deleted) };
    for key in [Some(key), alarm.moving].into_iter().flatten() {
        let session = SessionBinding::stored(db.clone(), app.live_sessions.clone(), version.lifetimes.clone(), key);
        match session.open().await {
            Ok(()) => {
                // The handler opens it, as in any event.
                session.forget_snapshot();
                return Ok(Some(session));
            }
            Err(SessionError::Deleted) => {}
            Err(error) => return Err(error),
        }
    }
    Err(SessionError::Deleted)
}

async fn call(app: &App, seat: Seat, alarm: &Alarm, session: Option<SessionBinding>) -> Result<(), (Fault, ReportId)> {
    let port = Arc::new(AlarmPort::new(session));
    let limit = seat.handler.settings.deadline.unwrap_or(limits::ALARM_DEADLINE);
    let begun = Instant::now();
    let mut call = seat.ring(&port, alarm.clone());
    let running = std::future::poll_fn(|cx| poll(&mut call, &seat, app, &port.id, cx));
    let verdict = match tokio::time::timeout(limit, running).await {
        Ok(verdict) => verdict.map(drop),
        Err(_) => Err(seat.cut(app, &port.id, Fault::OverDeadline { deadline_ms: limit.as_millis() })),
    };
    app.event_took(seat.version, begun.elapsed());
    app.usage.exchanged(port.meter.total(), port.meter.memory_bytes_max());
    verdict
}

fn failed(app: &App, alarm: &Alarm, fault: &Fault, handler: Option<&Arc<Handler>>) -> Ended {
    let counts = &app.alarms().counts;
    counts.failed.fetch_add(1, Relaxed);
    if fault.passes() {
        return later(alarm, fault);
    }
    let failed = alarm.failed.saturating_add(1);
    match retry(failed, Moment::now(), random_u64()) {
        Retry::At(at) => Ended::Retry { at, failed, error: short(fault) },
        Retry::GivenUp => {
            counts.given_up.fetch_add(1, Relaxed);
            let fault = Fault::GivenUp(failed);
            tracing::warn!(app = app.name, alarm = alarm.setting.name, "{fault}");
            if let Some(handler) = handler {
                report(fault, handler, None);
            }
            over(alarm)
        }
    }
}

/// Nobody's doing: it does not count.
fn later(alarm: &Alarm, cause: impl ToString) -> Ended {
    let at = Moment::now().after(limits::ALARM_PAUSE);
    Ended::Retry { at, failed: alarm.failed, error: short(cause) }
}

/// What follows a call that returned well, or the last one that did not.
fn over(alarm: &Alarm) -> Ended {
    let cron = alarm.cron.as_deref().and_then(|cron| Cron::parse(cron).ok());
    cron.map_or(Ended::Done, |cron| Ended::Again(cron.next(Moment::now())))
}

/// Of what may have a whole backtrace.
fn short(fault: impl ToString) -> String {
    let mut text = fault.to_string();
    text.truncate(text.floor_char_boundary(limits::ALARM_ERROR_BYTES_MAX));
    text
}
