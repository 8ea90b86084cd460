// Runs named steps one after another and reports each; a failed step does not stop those after it.
import { readFileSync } from "node:fs";

/** What the caller handed in: url, wsUrl, chainId, key, contracts, skip (step name -> reason). */
export const input = JSON.parse(readFileSync(0, "utf8"));

const STEP_TIMEOUT_MS = 20_000;

export function check(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}

export function same(actual, expected, what) {
  const show = (value) => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}n` : v));
  if (show(actual) !== show(expected)) {
    throw new Error(`${what}: got ${show(actual)}, expected ${show(expected)}`);
  }
}

/** The error that `promise` rejects with; a failure if it does not reject. */
export async function failure(promise, what) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what} should have failed, but gave ${value}`);
}

/** Resolves with `promise`, or fails after `ms`. */
export function within(promise, what, ms = STEP_TIMEOUT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs an object of async functions in order, prints {step: "ok" | "skipped" | error} and ends the process. */
export async function run(steps) {
  const outcome = {};
  for (const [name, step] of Object.entries(steps)) {
    if (name in input.skip) {
      outcome[name] = "skipped";
      continue;
    }
    try {
      await within(step(), name);
      outcome[name] = "ok";
    } catch (error) {
      outcome[name] = (error.stack ?? String(error)).slice(0, 1500);
    }
  }
  process.stdout.write(JSON.stringify(outcome) + "\n", () => process.exit(0));
}
