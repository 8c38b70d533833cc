// The loader's part of `register.js`; it runs apart from the tests.

const WIT = /^(sessile:handler|wasi:random)\/([a-z]+)@/;

export async function resolve(specifier, context, next) {
  return WIT.test(specifier) ? { url: specifier, shortCircuit: true } : next(specifier, context);
}

export async function load(url, context, next) {
  const [, , name] = WIT.exec(url) ?? [];
  if (name === undefined) return next(url, context);
  return { format: "module", shortCircuit: true, source: `export default globalThis.host.${name};` };
}
