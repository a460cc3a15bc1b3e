// What the scenarios in JavaScript share.

import { createRequire } from 'node:module';

/** Packages are installed outside of the checkout. */
export const load = createRequire(process.env.CLIENTS_NODE + '/');

/** Does something and prints what came of it, errors as well. */
export async function check(name, action) {
  let text;
  try {
    text = JSON.stringify(await action(), (_, value) => typeof value === 'bigint' ? `${value}n` : value) ?? 'undefined';
  } catch (error) {
    text = `${error.name} ${error.code ?? ''}: ${error.message}`;
  }
  console.log(`${name}\t${text.replaceAll('\n', ' | ')}`);
}
