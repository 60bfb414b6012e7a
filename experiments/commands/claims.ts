/** npm run claims: every claim of the papers that was measured here, with its verdict; names what is missing. */
import { claimsTable, VERDICTS } from '@bitnet-notebooks/lib';
import { CLAIM_SOURCES } from './claim-sources.js';

const counts = new Map(VERDICTS.map((verdict) => [verdict, 0]));
const missing: string[] = [];
for (const source of CLAIM_SOURCES) {
  const { name, command } = source;
  const judged = await source.claims();
  if (judged === undefined) {
    missing.push(`${name} has no recorded results. Make them: ${command}`);
    continue;
  }
  console.log(`\n${name}\n`);
  for (const line of claimsTable(judged)) console.log(line);
  for (const { verdict } of judged) counts.set(verdict, counts.get(verdict)! + 1);
}
console.log(`\n${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ')}`);
for (const line of missing) console.log(line);
