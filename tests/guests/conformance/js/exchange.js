// HTTP, by path.

import { poll, Response } from "sessile";

import { caseOf, ofAny } from "./command.js";

export async function fetch(request) {
  switch (request.params.what) {
    case "command":
      return command(request);
    case "echo":
      return new Response(request.body);
    case "stream":
      return new Response(["one ", "two ", "three"], { status: 201, headers: { "x-guest": "1" } });
    case "order": {
      const body = await request.start();
      await body.write(String(await caseOf(() => request.start())));
      return body.finish();
    }
    case "unfinished":
      return (await request.start()).write("part");
    case "cancel":
      await (await request.start()).write("part");
      return request.cancel();
    case "flood":
      return new Response(Array(200).fill(new TextEncoder().encode("x".repeat(60_000))));
    case "no-body":
      return new Response(null, { status: 204 });
    case "raw":
      return request.sendRaw("HTTP/1.1 202 Accepted\r\nx-guest: 1\r\n\r\nraw", { close: true });
    case "raw-split":
      return refused(422, () => request.sendRaw("HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"));
    case "json":
      return refused(400, async () => Response.json(await request.json()));
    case "form":
      return new Response((await request.form()).getAll("a").join("|"));
    case "limit":
      return refused(413, async () => new Response(String((await request.bytes({ limit: 1000 })).length)));
    case "events":
      return Response.events(["one", { event: "tick", id: 2, data: "two\nlines" }]);
    case "poll": {
      const news = await poll(async () => (await request.session.open()).get("news"), { every: 20, limit: 20_000 });
      return news === undefined ? new Response(null, { status: 204 }) : new Response(JSON.stringify(news));
    }
    case "fail":
      throw new Error("told to fail");
    case "nothing":
      return;
    default:
      return new Response("unsupported", { status: 501 });
  }
}

async function command(request) {
  const answers = [];
  for (const line of (await request.text()).split("\n")) {
    const answer = await caseOf(() => ofAny(request, line));
    if (answer !== undefined) answers.push(String(answer));
  }
  return new Response(answers.join("\n"), { status: Number(request.search || 200) });
}

/** With this status where it failed. */
async function refused(status, respond) {
  const response = await caseOf(respond);
  return typeof response === "string" ? new Response(response, { status }) : response;
}
