// Groups: who is in them, what is published to them, and what was.

import wit from "sessile:handler/groups@0.1.0";

import { jsonOf, optional, parsed, text, translated, u32, u64, waited } from "./error.js";
import { idFrom } from "./head.js";
import { data, message } from "./message.js";

/** Members of a page. */
const PAGE = 250;

/** A place in a group's history; in JSON it is its text. */
export class Position {
  constructor(epoch, offset) {
    this.epoch = u64(epoch, "the epoch");
    this.offset = u64(offset, "the offset");
  }

  static parse(text) {
    const [, epoch, offset] = /^(\d+):(\d+)$/.exec(text) ?? [];
    if (epoch === undefined) throw new TypeError(`the position is ${JSON.stringify(text)}; wanted is EPOCH:OFFSET`);
    return new Position(BigInt(epoch), BigInt(offset));
  }

  toString() {
    return `${this.epoch}:${this.offset}`;
  }

  toJSON() {
    return this.toString();
  }
}

export const groups = {
  // Without a scope it is the shorter call, and takes no stack: see `WebSocket.send`.
  async publish(group, content, to) {
    if (to !== undefined) return publishTo(group, content, to);
    try {
      return await wit.publish(text(group, "the group"), message(content));
    } catch (error) {
      throw translated(error);
    }
  },

  async count(group) {
    return waited(wit.count, text(group, "the group")).then(Number);
  },

  async *members(group, { tag } = {}) {
    const [name, tagged] = [text(group, "the group"), optional(tag, text, "the tag")];
    for (let after = null; ; ) {
      const page = await waited(wit.members, name, tagged, after, PAGE);
      yield* page.map(member);
      if (page.length < PAGE) return;
      after = page.at(-1).id;
    }
  },

  async history(group, { since, limit = 100 } = {}) {
    const page = await waited(wit.history, text(group, "the group"), optional(since, position, "since"), u32(limit, "the limit"));
    return { publications: page.publications.map(kept), position: placed(page.position), recovered: page.recovered };
  },
};

async function publishTo(group, content, { tag, except }) {
  const scope = { tag: optional(tag, text, "the tag"), except: optional(except, idFrom, "except") };
  const { queued, full, gone, position } = await waited(wit.publishTo, text(group, "the group"), message(content), scope);
  return { queued, full, gone, position: placed(position) };
}

/** Of a websocket; with more said of it, what that came to. */
export async function join(id, group, how) {
  const name = text(group, "the group");
  if (how === undefined) return waited(wit.join, id, name);
  const { metadata, tags = [], since } = how;
  const membership = {
    metadata: optional(metadata, jsonOf, "the metadata"),
    tags: Array.from(tags, (tag) => text(tag, "a tag")),
    since: optional(since, position, "since"),
  };
  const joined = await waited(wit.joinAs, id, name, membership);
  return { position: placed(joined.position), recovered: joined.recovered, publications: joined.publications };
}

export async function leave(id, group) {
  return waited(wit.leave, id, text(group, "the group"));
}

/** What a publication handler is called with. */
export function told({ group, position, content }) {
  const said = { group, position: placed(position) };
  if (content.tag === "message") return { ...said, message: data(content.val) };
  const { joined, left, total, complete } = content.val;
  return { ...said, presence: { joined: joined.map(member), left: Array.from(left), total: Number(total), complete } };
}

function member({ id, metadata, tags }) {
  return { id, metadata: metadata === null ? undefined : parsed(metadata), tags };
}

function kept({ offset, at, message }) {
  return { offset: Number(offset), at: new Date(Number(at / 1_000_000n)), message: data(message) };
}

function placed(position) {
  return position === null ? null : new Position(position.epoch, position.offset);
}

/** Of what is one, or the text of one, as a peer may keep it. */
function position(value, name) {
  if (typeof value === "string") return position(Position.parse(value), name);
  const { epoch, offset } = Object(value);
  return { epoch: u64(epoch, `the epoch of ${name}`), offset: u64(offset, `the offset of ${name}`) };
}
