/**
 * Where a hart's state lies, in u32 words from the start of its state. 64-bit values are two words, low first.
 *
 * The first CONTEXT_WORDS words are what a supervisor saves and restores when it switches threads. The rest is the
 * machine's own, apart from HART_CAUSE and HART_TVAL, which an embedder reads after a trap.
 */

/** Program counter, 2 words. */
export const HART_PC = 0;
/** Integer registers: x[i] at HART_X + 2 i. x0 is always 0. */
export const HART_X = 2;
/** Floating-point registers: f[i] at HART_F + 2 i. */
export const HART_F = 66;
/** fcsr, 1 word; the word after it is unused. */
export const HART_FCSR = 130;
/** Words of a thread's context. */
export const CONTEXT_WORDS = 132;

/** Exception number of the last trap that left a hosted run. */
export const HART_CAUSE = 132;
/** Trap value of the last trap, 2 words. */
export const HART_TVAL = 134;
/** Privilege: 0 user, 1 supervisor, 3 machine. */
export const HART_PRIVILEGE = 136;
/** Instructions that the slice still may retire. */
export const HART_LEFT = 137;
/** Byte address of the TLB bank for loads and stores. */
export const HART_DATA_BANK = 138;
/** Byte address of the TLB bank for fetches. */
export const HART_FETCH_BANK = 139;
/** How loads and stores translate: MODE_* bits. */
export const HART_DATA_MODE = 140;
/** How fetches translate: MODE_* bits. */
export const HART_FETCH_MODE = 141;
/** Physical address of the root page table, 2 words. */
export const HART_ROOT = 142;
/** Host address of the reservation, 1 word; 0 when there is none. */
export const HART_RESERVATION = 144;
/** Arguments of a helper, 3 values of 2 words; its result is in the first. */
export const HART_ARGUMENTS = 146;
/** Physical address of an access to a device, 2 words. */
export const HART_PADDR = 152;
/** Where writes to x0 go, 2 words. */
export const HART_SINK = 154;
/** Not 0 when traps leave the run (hosted). */
export const HART_HOSTED = 156;
/** Not 0 when the walk sets A and D bits itself (Svadu). */
export const HART_SETS_AD = 157;
/** Budget set aside when a device asks that the slice end now. */
export const HART_DEFERRED = 158;
/** Encoding of the instruction that called a helper. */
export const HART_BITS = 159;
/** Decoded record of an instruction that crosses a page, then the sentinel that follows it. 12 words, 16-byte aligned. */
export const HART_CROSSING = 160;

/** Shift of the highest level of page tables: 30 for Sv39, 39 for Sv48, 48 for Sv57. */
export const HART_TOP_SHIFT = 320;
/** Highest PBMT of a leaf that is not reserved: 2 with menvcfg.PBMTE, otherwise 0. */
export const HART_PBMT_LIMIT = 321;
/** Cache-block operations that the current privilege may do: a bit each, see CACHE_BLOCK_BITS. */
export const HART_CACHE_BLOCKS = 322;
/** Entries of the list of physical memory protection. */
export const HART_PMP_COUNT = 323;
/** The list, see mmu/pmp-check.ts: 16 entries of 6 words. */
export const HART_PMP_TABLE = 324;
/** pmpcfg0 and pmpcfg2: a byte an entry. */
export const HART_PMP_CONFIGURATION = 420;
/** pmpaddr0 to pmpaddr15, 2 words each. */
export const HART_PMP_ADDRESS = 424;

/** Whether something outside asks for the supervisor's external interrupt: its bit of mip, or 0. */
export const HART_EXTERNAL_PIN = 456;
/** Whether software does, by writing mip. What reads as mip.SEIP is either. */
export const HART_EXTERNAL_SOFTWARE = 457;

/**
 * Instructions that will have retired when those that the slice may still retire have, 2 words: less HART_LEFT, those
 * that have retired.
 */
export const HART_SLICE_END = 458;
/** Instructions that had retired at the last trap, 2 words; all ones before the first. */
export const HART_LAST_TRAP = 460;
/** Traps in a row with nothing retired between them. */
export const HART_FUTILE_TRAPS = 462;
/** Not 0 while the hart waits for an interrupt, at the pc that follows. An embedder that moves the pc ends the wait. */
export const HART_WAITS = 463;
/** 2 words. */
export const HART_WAIT_PC = 464;
/** How often a TLB bank was chosen, 2 words: their age. */
export const HART_BANK_USES = 466;
/** mhartid, 2 words. */
export const HART_ID = 468;

/** First CSR; each has 2 words. */
export const HART_CSR = 176;
const csr = (index: number): number => HART_CSR + 2 * index;
export const HART_MSTATUS = csr(0);
export const HART_MTVEC = csr(1);
export const HART_MEDELEG = csr(2);
export const HART_MIDELEG = csr(3);
export const HART_MIE = csr(4);
export const HART_MIP = csr(5);
export const HART_MEPC = csr(6);
export const HART_MCAUSE = csr(7);
export const HART_MTVAL = csr(8);
export const HART_MSCRATCH = csr(9);
export const HART_MCOUNTEREN = csr(10);
export const HART_STVEC = csr(11);
export const HART_SEPC = csr(12);
export const HART_SCAUSE = csr(13);
export const HART_STVAL = csr(14);
export const HART_SSCRATCH = csr(15);
export const HART_SCOUNTEREN = csr(16);
export const HART_SATP = csr(17);
export const HART_MENVCFG = csr(18);
export const HART_SENVCFG = csr(19);
export const HART_MCOUNTINHIBIT = csr(20);
/** mcycle and minstret less the instructions retired; themselves while mcountinhibit stops them. */
export const HART_MCYCLE_OFFSET = csr(21);
export const HART_MINSTRET_OFFSET = csr(22);
export const HART_STIMECMP = csr(23);

/** Not 0 when a region was left because an access was not in the TLB, and the interpreter has not run it yet. */
export const HART_LOOK_UP_FAILED = 480;
/** Of a region that is about to run: the virtual address of its page (2 words), where that page's records begin, and the number of the entry. */
export const HART_REGION_PAGE = 482;
export const HART_REGION_RECORDS = 484;
export const HART_REGION_ENTRY = 485;
/** Number of the region that was last left because accesses which share a look-up were in two pages; 0 for none. */
export const HART_STRADDLER = 486;
/** How often regions were left, by reason (interpreter/region-exits.ts): 64 counters of 2 words. */
export const HART_REGION_EXITS = 512;

/** Words of state a hart has. */
export const STATE_WORDS = 640;

/** The MODE_* bits: how an access is translated and allowed. Without this one it is not translated. */
export const MODE_TRANSLATED = 1;
/** As user; supervisor otherwise. */
export const MODE_USER = 2;
/** Supervisor loads and stores may reach user pages. */
export const MODE_SUM = 4;
/** Loads may read pages that can only be executed. */
export const MODE_MXR = 8;
/** Machine mode: not translated, and physical memory protection has other rules. */
export const MODE_MACHINE = 16;
