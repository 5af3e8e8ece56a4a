import { writeFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/** What became of one mutant: the titles of the tests that failed, and why a file could not be asked at all. */
export type Verdict = {
  readonly mutant: string;
  readonly failed: readonly string[];
  readonly broken: readonly string[];
};

/** Writes the verdicts to the file that `RULES_VERDICTS` names. */
export class VerdictReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const verdicts = modules.map((module): Verdict => {
      const failed = [...module.children.allTests("failed")].map(({ fullName }) => fullName);
      const broken = module.errors().map(({ message }) => message);
      return { mutant: module.project.name, failed, broken };
    });
    writeFileSync(process.env["RULES_VERDICTS"] ?? "", JSON.stringify(verdicts));
  }
}
