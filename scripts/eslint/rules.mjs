/** The project's own rules for ESLint. */
import { documentedExport } from './documented-export.mjs';
import { fileName } from './file-name.mjs';
import { noMachinePath } from './no-machine-path.mjs';
import { noSleep } from './no-sleep.mjs';
import { noUnrunTest } from './no-unrun-test.mjs';

export const faultlineRules = {
  meta: { name: 'faultline' },
  rules: {
    'documented-export': documentedExport,
    'file-name': fileName,
    'no-machine-path': noMachinePath,
    'no-sleep': noSleep,
    'no-unrun-test': noUnrunTest,
  },
};
