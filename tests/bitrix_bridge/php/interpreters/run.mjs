// Runs a PHP script in an interpreter of a chosen version: node run.mjs 7-4 script.php [file.php …]
// The files lie in /php inside the interpreter, under their own names.
import fs from 'node:fs';
import path from 'node:path';
import { PHP, loadPHPRuntime } from '@php-wasm/universal';

const [version, script, ...files] = process.argv.slice(2);
const { getPHPLoaderModule } = await import(`@php-wasm/node-${version}`);
const php = new PHP(await loadPHPRuntime(await getPHPLoaderModule(), {}));
php.mkdir('/php');
for (const file of files) {
  php.writeFile(`/php/${path.basename(file)}`, fs.readFileSync(file));
}
const answer = await php.run({ code: fs.readFileSync(script, 'utf8') });
process.stdout.write(answer.text);
process.stderr.write(answer.errors);
process.exit(answer.exitCode);
