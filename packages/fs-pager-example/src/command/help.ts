import {
  EXIT_CRASHED,
  EXIT_DEADLOCK,
  EXIT_INTERRUPTED,
  EXIT_KILLED,
  EXIT_NOT_LOADED,
  EXIT_TIMEOUT,
  EXIT_USAGE,
} from '../exit-status.js';

const MACHINE_OPTIONS = `  --memory SIZE          RAM of the machine, for instance 64M or 1G (default 256M)
  --smp N                harts of the machine, 1 to 8 (default 1)
  --pager-blocking WAY   allow: system calls of the guest may wait for pages;
                         fail: they return ZX_ERR_SHOULD_WAIT instead
                         (default: allow for programs that declare it)
  --stats-json FILE      write the summary as JSON
  --trace-events FILE    write every event of the kernel, one line of JSON each
  --timeout SECONDS      end the guest after this time
  --help                 print this
`;

/** What `faultline --help` prints. */
export const HELP = `Usage: faultline run [OPTIONS] PROGRAM.elf [ARGS...]
       faultline demo [OPTIONS]
       faultline --help | --version

Runs a RISC-V program with every page of its code and files paged in on demand.

  run     runs a program over a directory; see faultline run --help
  demo    looks words up in a sorted list of 64 MiB, by binary search and by a
          full scan, and shows which pages were read (also: no command at all)
`;

/** What `faultline run --help` prints. */
export const RUN_HELP = `Usage: faultline run [OPTIONS] PROGRAM.elf [ARGS...]

Runs PROGRAM.elf, a static RISC-V program built for this kernel. PROGRAM.elf is a
path on this machine or, when there is no such file, a path in the root. What
follows it is the program's. The program sees the files of the root and nothing
else; it reads them, and its own code, page by page as it touches them. A summary
of the paging goes to standard error.

Options, before PROGRAM.elf:
  --root DIR             the directory that the program sees (default .)
${MACHINE_OPTIONS}
Exit status: the program's exit code modulo 256, or
  ${String(EXIT_USAGE).padStart(3)}  the command line cannot be followed
  ${EXIT_DEADLOCK}  deadlock: every thread waits for something that cannot happen
  ${EXIT_TIMEOUT}  the time of --timeout is over
  ${EXIT_NOT_LOADED}  the program could not be loaded
  ${EXIT_INTERRUPTED}  interrupted (Ctrl-C)
  ${EXIT_CRASHED}  the program crashed
  ${EXIT_KILLED}  the program was killed
`;

/** What `faultline demo --help` prints. */
export const DEMO_HELP = `Usage: faultline demo [OPTIONS]

Makes a sorted list of words, 64 MiB or 16,384 pages, in the cache folder (once), and
runs a guest program that looks words up in it through a mapping: first by binary
search, then by reading all of it. Ends with 0 when the pages that were supplied
agree with the bytes that were read from the file.

Options:
${MACHINE_OPTIONS}`;
