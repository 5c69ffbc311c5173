/**
 * A sorted list of made-up words, one a line, of exactly the size asked for: the same for the same seed on every machine.
 *
 * The words are made in order, without sorting: a walk over the tree of spellable words, in which each prefix gets a budget of bytes,
 * emits itself when it can stand as a word, and shares the rest among its next letters by how common they are, varied by the seed. What a subtree cannot
 * use goes on to the next one.
 */

/** Letters that may follow each letter, in alphabetical order; position 0 is the start of a word. */
const FOLLOWERS: readonly string[] = [
  'abcdefghijklmnoprstuvwyz',
  'bcdfgiklmnprstuvwyz', // a
  'aeilorsuy', // b
  'aehiklorstuy', // c
  'aeilorsuwy', // d
  'abcdfglmnprstvwxy', // e
  'aefilortuy', // f
  'aehilnorsu', // g
  'aeiortuy', // h
  'abcdefglmnoprstvz', // i
  'aeou', // j
  'aeilnosy', // k
  'abdefiklmopstuvy', // l
  'abeimnopsuy', // m
  'acdefgikostuvy', // n
  'abcdfgiklmnoprstuvwx', // o
  'aehiloprstuy', // p
  'u', // q
  'abcdefgiklmnoprstuvy', // r
  'acehiklmnopqrtuwy', // s
  'aehilorstuwy', // t
  'abcdefgilmnprstvz', // u
  'aeiou', // v
  'aehinor', // w
  'aeiopt', // x
  'aelmnos', // y
  'aeiouy', // z
];

/** How common each letter is, a to z, per thousand. */
const FREQUENCY = [
  82, 15, 28, 43, 120, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 2, 60, 63, 91, 28, 10, 24, 3, 20, 2,
];

/** Consonants that may stand second in a word, after some first ones. */
const FIRST_PAIRS: Readonly<Record<string, string>> = {
  b: 'lr',
  c: 'hlr',
  d: 'r',
  f: 'lr',
  g: 'lr',
  k: 'l',
  p: 'lr',
  s: 'chklmnptw',
  t: 'hrw',
  w: 'h',
};

/** Letters are numbers from 1 (a) to 26 (z); 0 is the start of a word. */
const numberOf = (letter: string): number => letter.charCodeAt(0) - 96;
const maskOf = (letters: string): number =>
  [...letters].reduce((mask, letter) => mask | (1 << numberOf(letter)), 0);
const VOWELS = maskOf('aeiouy');
const NO_WORD_END = maskOf('jquvi');
const FOLLOWER_NUMBERS = FOLLOWERS.map((letters) => Uint8Array.from(letters, numberOf));
const SECOND_LETTERS = FOLLOWERS.map(
  (_, first) => VOWELS | maskOf(FIRST_PAIRS[String.fromCharCode(first + 96)] ?? ''),
);

const MAX_CONSONANTS = 2;
const MAX_VOWELS = 2;
const MAX_LETTERS = 18;
const MIN_LETTERS = 3;
const NEWLINE = 10;
const LETTER_Z = 122;
const LETTER_S = 115;

/** Which word list. */
export interface WordListOptions {
  /** Bytes of the whole list; at least 64. */
  readonly bytes: number;
  readonly seed: number;
  /** Bytes handed to `write` at a time; the last time less. */
  readonly chunkBytes?: number;
}

/** What a word list came to. */
export interface WordListSummary {
  readonly words: number;
}

/**
 * Makes the list and hands it on in chunks. A chunk is only valid during the call.
 *
 * @throws {RangeError} fewer than 64 bytes
 */
export function writeWordList(options: WordListOptions, write: (chunk: Uint8Array) => void): WordListSummary {
  if (!Number.isSafeInteger(options.bytes) || options.bytes < 64)
    throw new RangeError('a word list has 64 bytes or more');
  const list = new WordListMaker(options, write);
  list.make(options.bytes);
  return { words: list.words };
}

class WordListMaker {
  words = 0;
  private readonly chunk: Uint8Array;
  private filled = 0;
  private readonly letters = new Uint8Array(256);
  private readonly weights = Array.from({ length: MAX_LETTERS }, () => new Float64Array(26));
  private state: number;

  constructor(
    options: WordListOptions,
    private readonly write: (chunk: Uint8Array) => void,
  ) {
    this.chunk = new Uint8Array(options.chunkBytes ?? 1 << 20);
    this.state = options.seed | 0;
  }

  make(bytes: number): void {
    const left = this.grow(0, 0, 0, bytes);
    this.fillUp(left);
    this.write(this.chunk.subarray(0, this.filled));
  }

  /**
   * Emits words that start with the first `length` letters, `budget` bytes at most.
   *
   * @param run letters at the end of the prefix that are all consonants, or all vowels
   * @returns bytes not used
   */
  private grow(length: number, last: number, run: number, budget: number): number {
    let left = budget;
    const lastIsVowel = ((VOWELS >>> last) & 1) === 1;
    if (length >= MIN_LETTERS && ((NO_WORD_END >>> last) & 1) === 0 && left > length) {
      this.emit(length);
      left -= length + 1;
    }
    if (length === MAX_LETTERS || left < length + 2) return left;
    const followers = FOLLOWER_NUMBERS[last] as Uint8Array;
    const weights = this.weights[length] as Float64Array;
    const allowed = this.allowedAfter(length, last, lastIsVowel, run);
    let total = 0;
    for (let i = 0; i < followers.length; i++) {
      const letter = followers[i];
      weights[i] =
        ((allowed >>> letter) & 1) === 0 ? 0 : FREQUENCY[letter - 1] * (64 + (this.random() & 0xff));
      total += weights[i];
    }
    // Shares are dealt out of what is left each time, so that rounding loses nothing.
    let carried = 0;
    for (let i = 0; i < followers.length; i++) {
      const weight = weights[i];
      if (weight === 0) continue;
      const share = Math.floor((left * weight) / total);
      left -= share;
      total -= weight;
      carried += share;
      if (carried < length + 2) continue;
      const letter = followers[i];
      const isVowel = ((VOWELS >>> letter) & 1) === 1;
      this.letters[length] = letter + 96;
      carried = this.grow(length + 1, letter, length > 0 && isVowel === lastIsVowel ? run + 1 : 1, carried);
    }
    return left + carried;
  }

  private allowedAfter(length: number, last: number, lastIsVowel: boolean, run: number): number {
    if (length === 1 && !lastIsVowel) return SECOND_LETTERS[last];
    if (lastIsVowel) return run < MAX_VOWELS ? ~0 : ~VOWELS;
    return length === 0 || run < MAX_CONSONANTS ? ~0 : VOWELS;
  }

  /** Ends the list with exactly `left` bytes more: words of the letter z only, which sort last. */
  private fillUp(left: number): void {
    let rest = left;
    for (let length = 2; rest > 0; length++) {
      // One letter more would not leave room for another word: this one takes all that is left.
      const take = rest - (length + 1) >= length + 2 ? length : rest - 1;
      if (take < length) {
        this.lengthenLastWord(rest);
        return;
      }
      this.letters.fill(LETTER_Z, 0, take);
      this.emit(take);
      rest -= take + 1;
    }
  }

  private lengthenLastWord(bytes: number): void {
    this.filled -= 1;
    for (let i = 0; i < bytes; i++) this.put(LETTER_S);
    this.put(NEWLINE);
  }

  /** Writes the first `length` letters as a word. */
  private emit(length: number): void {
    this.words += 1;
    for (let i = 0; i < length; i++) this.put(this.letters[i]);
    this.put(NEWLINE);
  }

  private put(byte: number): void {
    if (this.filled === this.chunk.length) {
      this.write(this.chunk);
      this.filled = 0;
    }
    this.chunk[this.filled++] = byte;
  }

  /** 32 random bits: a Weyl sequence with a multiplicative finish. */
  private random(): number {
    this.state = (this.state + 0x9e37_79b9) | 0;
    let bits = this.state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0_aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a_2d97);
    return (bits ^ (bits >>> 15)) >>> 0;
  }
}
