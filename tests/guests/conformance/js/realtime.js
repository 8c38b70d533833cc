// Groups, connections and alarms.

import { alarms, connections, groups } from "sessile";

import { NONE, ok, split } from "./answer.js";

export async function joinAs(ws, line) {
  const [group, since, tags, metadata] = words(line, 4);
  const { position, recovered, publications } = await ws.join(group, {
    metadata: metadata === "-" ? undefined : JSON.parse(metadata),
    tags: tags === "-" ? [] : tags.split(","),
    since: since === "-" ? undefined : since,
  });
  return `at ${position ?? NONE} recovered ${recovered} publications ${publications}`;
}

export async function ofRealtime(head, verb, line) {
  switch (verb) {
    case "publish-to": {
      const [group, scope, text] = words(line, 3);
      const { queued, full, gone, position } = await groups.publish(group, text, scopeOf(head, scope));
      return `queued ${queued} full ${full} gone ${gone} at ${position ?? NONE}`;
    }
    case "members-count":
      return groups.count(line);
    case "members":
      return listed(groups.members(line), ({ metadata, tags }) => `${JSON.stringify(metadata) ?? NONE};${tags.join(",")}`);
    case "history": {
      const [group, since, limit] = words(line, 3);
      const page = await groups.history(group, { since: since === "-" ? undefined : since, limit: Number(limit) });
      const texts = page.publications.map(({ message }) => `|${message}`);
      return `at ${page.position} recovered ${page.recovered}${texts.join("")}`;
    }
    case "connections":
      return ofConnections(...split(line));
    case "alarm":
      return ofAlarms(head, ...split(line));
    default:
      return "unsupported";
  }
}

function scopeOf(head, scope) {
  if (scope === "not-me") return { except: head };
  return scope === "all" ? {} : { tag: scope.slice("tag:".length) };
}

async function ofConnections(verb, line) {
  const [first, rest] = split(line);
  switch (verb) {
    case "count":
      return connections.count({ route: line });
    case "list":
      return listed(connections.list({ group: line }), ({ handler, state }) => `${handler} ${state}`);
    case "lookup": {
      const found = await connections.lookup(BigInt(line));
      return found === undefined ? NONE : `${found.handler} ${found.route} ${found.state}`;
    }
    case "send":
      return (await connections.sendTo(BigInt(first), rest)).state;
    case "send-all": {
      const { queued, full, gone } = await connections.sendToAll({ route: first }, rest);
      return `queued ${queued} full ${full} gone ${gone}`;
    }
    case "ping":
      return ok(connections.ping(BigInt(line)));
    case "close": {
      const [code, reason] = split(rest);
      return ok(connections.close(BigInt(first), Number(code), reason));
    }
    default:
      return "unsupported";
  }
}

async function ofAlarms(head, verb, line) {
  switch (verb) {
    case "set":
    case "set-session": {
      const [name, ms, payload] = words(line, 3);
      const session = verb === "set" ? undefined : await head.session.open();
      return ok(alarms.set(name, { in: Number(ms), payload, session }));
    }
    case "list":
      return listed(alarms.list(), ({ name }) => name);
    case "cancel":
      return alarms.cancel(line);
    default:
      return "unsupported";
  }
}

export async function ring(alarm) {
  const payload = alarm.text();
  await groups.publish("alarms", `alarm ${alarm.name} ${alarm.attempt} ${payload}`);
  if (payload === "fail" && alarm.attempt === 1) throw new Error("told to fail");
  if (payload === "session") (await alarm.session.open()).set("news", alarm.name);
}

async function listed(all, shown) {
  const texts = [];
  for await (const one of all) texts.push(shown(one));
  return texts.join("|");
}

/** So many of a line, of which the last is the rest. */
function words(line, count) {
  if (count === 1) return [line];
  const [first, rest] = split(line);
  return [first, ...words(rest, count - 1)];
}
