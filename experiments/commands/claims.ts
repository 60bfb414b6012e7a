/**
 * npm run claims: every claim of the papers that was held against something here, once, with its verdict. First those of the
 * README that this project grew from, then the others by source, then counts by kind; at last what is not recorded yet.
 */
import { claimsTable, verdictCounts, type JudgedClaim } from '@bitnet-notebooks/lib';
import { CLAIM_SOURCES } from './claim-sources.js';
import { headlinesOf } from './headlines.js';

const judged: { name: string; claims: JudgedClaim[] }[] = [];
const missing: string[] = [];
for (const source of CLAIM_SOURCES) {
  const { name, command } = source;
  const claims = await source.claims();
  if (claims) judged.push({ name, claims });
  else missing.push(`${name} has no recorded results. Make them: ${command}`);
}

const all = judged.flatMap(({ claims }) => claims);
print('The README that this project grew from');
for (const { text, claims } of headlinesOf(all)) {
  print(text, claims.length > 0 ? claimsTable(claims) : ['Nothing is recorded that would decide it.']);
}
for (const { name, claims } of judged) {
  const others = claims.filter(({ headline }) => headline === undefined);
  if (others.length > 0) print(name, claimsTable(others));
}
print('Verdicts by kind', verdictCounts(all));
for (const line of missing) console.log(line);

function print(heading: string, lines: readonly string[] = []): void {
  console.log(`\n${heading}\n`);
  for (const line of lines) console.log(line);
}
