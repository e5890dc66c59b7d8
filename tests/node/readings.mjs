// stdin: [text, …], YAML; stdout: [{yaml, jsYaml, prettier}, …] for each text: what two readers
// take its documents for ({data: […]} or {refused: why}), and the text as a formatter writes it
// ({text} or {refused: why}).
import { readFileSync } from "node:fs";
import { CORE_SCHEMA, loadAll } from "js-yaml";
import { format } from "prettier";
import { parseAllDocuments } from "yaml";

const tried = (reading) => {
  try {
    return reading();
  } catch (problem) {
    return { refused: String(problem.message ?? problem).split("\n")[0] };
  }
};

const byYaml = (text) => {
  const found = parseAllDocuments(text, { version: "1.2", schema: "core", logLevel: "silent" });
  const documents = Array.isArray(found) ? found : [];
  const problem = documents.flatMap((one) => [...one.errors, ...one.warnings])[0];
  return problem ? { refused: problem.message.split("\n")[0] } : { data: documents.map((one) => one.toJS()) };
};

const written = async (text) => {
  try {
    return { text: await format(text, { parser: "yaml" }) };
  } catch (problem) {
    return { refused: String(problem.message ?? problem).split("\n")[0] };
  }
};

const answers = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  answers.push({
    yaml: tried(() => byYaml(text)),
    jsYaml: tried(() => ({ data: loadAll(text, { schema: CORE_SCHEMA }) })),
    prettier: await written(text),
  });
}
process.stdout.write(JSON.stringify(answers));
