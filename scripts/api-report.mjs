/**
 * Compares what each package exports with its reviewed report, etc/<package>.api.md. With --local the reports are
 * written anew, for a change that is meant. The packages must have been built.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { libraryEntries, PACKAGES, packageFolder, readManifest, root } from './workspace.mjs';

const { values } = parseArgs({ options: { local: { type: 'boolean', default: false } } });

/** Messages that concern the layout of docstrings, which the report does not need. */
const IGNORED = ['ae-missing-release-tag', 'ae-undocumented', 'ae-unresolved-link', 'ae-setter-with-docs'];

const reports = join(root, 'etc');
const present = join(root, 'node_modules/.cache/api-report');
mkdirSync(reports, { recursive: true });

let differences = 0;
for (const name of PACKAGES) {
  const folder = packageFolder(name);
  for (const entry of libraryEntries(readManifest(folder))) {
    const reportName = entry.name === 'index' ? name : `${name}.${entry.name}`;
    if (!existsSync(join(folder, entry.types))) {
      throw new Error(`${entry.specifier} has not been built; run "npm run build" first`);
    }
    const config = ExtractorConfig.prepare({
      configObjectFullPath: undefined,
      packageJsonFullPath: join(folder, 'package.json'),
      configObject: {
        projectFolder: folder,
        mainEntryPointFilePath: join(folder, entry.types),
        newlineKind: 'lf',
        compiler: {
          overrideTsconfig: {
            compilerOptions: {
              target: 'ES2022',
              lib: ['ES2022', 'ESNext.Disposable', 'WebWorker'],
              module: 'NodeNext',
              moduleResolution: 'NodeNext',
              strict: true,
              skipLibCheck: true,
              types: ['node'],
            },
            files: [join(folder, entry.types)],
          },
        },
        apiReport: {
          enabled: true,
          reportFileName: `${reportName}.api.md`,
          reportFolder: reports,
          reportTempFolder: present,
          includeForgottenExports: true,
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
          extractorMessageReporting: {
            default: { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
            ...Object.fromEntries(IGNORED.map((id) => [id, { logLevel: ExtractorLogLevel.None }])),
          },
          tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        },
      },
    });
    const result = Extractor.invoke(config, {
      localBuild: values.local,
      messageCallback(message) {
        // The tool's remarks about itself; and its advice to copy a file by hand, for which there is --local here.
        if (message.category === 'console' && message.logLevel !== 'error') message.handled = true;
      },
    });
    if (!result.succeeded || result.errorCount > 0) differences++;
    if (!result.apiReportChanged) {
      process.stdout.write(`${entry.specifier}: as reported\n`);
    } else if (values.local) {
      process.stdout.write(`${entry.specifier}: report written\n`);
    } else {
      process.stdout.write(`${entry.specifier}: differs from its report\n`);
      const file = `${reportName}.api.md`;
      spawnSync('git', ['diff', '--no-index', '--no-color', join(reports, file), join(present, file)], {
        stdio: 'inherit',
      });
    }
  }
}
if (differences > 0) {
  process.stdout.write(
    'Where a change of the interface is meant, accept it with "npm run api -- --local".\n',
  );
  process.exitCode = 1;
}
