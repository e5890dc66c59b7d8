// stdin: {name: schema}; stdout: {name: [why a validator with its defaults refuses it, …]}
import { readFileSync } from "node:fs";
import { validator } from "@exodus/schemasafe";
import Ajv from "ajv/dist/2020.js";

const VALIDATORS = {
  ajv: (schema) => new Ajv.default({ logger: false }).compile(schema),
  schemasafe: (schema) => validator(schema),
};
const refused = {};
for (const [name, schema] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  refused[name] = Object.entries(VALIDATORS).flatMap(([which, load]) => {
    try {
      load(schema);
      return [];
    } catch (problem) {
      return [`${which}: ${problem.message}`];
    }
  });
}
process.stdout.write(JSON.stringify(refused));
