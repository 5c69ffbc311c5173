/** An item in a tree, which is how it is taken out again. */
export class IntervalNode<T> {
  /** Of the subtrees. */
  left: IntervalNode<T> | null = null;
  right: IntervalNode<T> | null = null;
  /** Levels of the tree from here down. */
  height = 1;
  /** The largest end in the tree from here down. */
  most: number;

  /** @param order tells intervals with the same start apart */
  constructor(
    readonly item: T,
    readonly start: number,
    readonly end: number,
    readonly order: number,
  ) {
    this.most = end;
  }
}

/**
 * Items that stand for intervals [start, end), which may overlap: put in and taken out in the logarithm of their number, and those that meet a range
 * found in that and in how many they are.
 *
 * A balanced search tree by start (AVL: heights beside each other differ by one at most), whose nodes know the largest end below them. Whoever fills it cannot make it deep.
 */
export class IntervalTree<T> {
  private root: IntervalNode<T> | null = null;
  private inserted = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  insert(item: T, start: number, end: number): IntervalNode<T> {
    const node = new IntervalNode(item, start, end, this.inserted++);
    this.root = insertInto(this.root, node);
    this.count += 1;
    return node;
  }

  /** Takes out what `insert` returned. */
  remove(node: IntervalNode<T>): void {
    this.root = removeFrom(this.root, node);
    this.count -= 1;
  }

  /** Calls `each` for every item that has a part in [start, end), by start; the tree must not change meanwhile. */
  visit(start: number, end: number, each: (item: T, start: number, end: number) => void): void {
    if (this.root !== null) visitFrom(this.root, start, end, each);
  }
}

function visitFrom<T>(
  node: IntervalNode<T>,
  start: number,
  end: number,
  each: (item: T, start: number, end: number) => void,
): void {
  if (node.left !== null && node.left.most > start) visitFrom(node.left, start, end, each);
  if (node.start >= end) return;
  if (node.end > start) each(node.item, start, end);
  if (node.right !== null && node.right.most > start) visitFrom(node.right, start, end, each);
}

function isBefore<T>(one: IntervalNode<T>, other: IntervalNode<T>): boolean {
  return one.start < other.start || (one.start === other.start && one.order < other.order);
}

function insertInto<T>(tree: IntervalNode<T> | null, node: IntervalNode<T>): IntervalNode<T> {
  if (tree === null) return node;
  if (isBefore(node, tree)) tree.left = insertInto(tree.left, node);
  else tree.right = insertInto(tree.right, node);
  return balanced(tree);
}

function removeFrom<T>(tree: IntervalNode<T> | null, node: IntervalNode<T>): IntervalNode<T> | null {
  if (tree === null) throw new Error('the interval is not in the tree');
  if (tree !== node) {
    if (isBefore(node, tree)) tree.left = removeFrom(tree.left, node);
    else tree.right = removeFrom(tree.right, node);
    return balanced(tree);
  }
  const { left, right } = node;
  if (left === null) return right;
  if (right === null) return left;
  let next = right;
  while (next.left !== null) next = next.left;
  next.right = removeFrom(right, next);
  next.left = left;
  return balanced(next);
}

function heightOf<T>(node: IntervalNode<T> | null): number {
  return node === null ? 0 : node.height;
}

function update<T>(node: IntervalNode<T>): IntervalNode<T> {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  let most = node.end;
  if (left !== null && left.most > most) most = left.most;
  if (right !== null && right.most > most) most = right.most;
  node.most = most;
  return node;
}

/** The tree whose subtrees are right, and differ by two levels at most. */
function balanced<T>(node: IntervalNode<T>): IntervalNode<T> {
  const { left, right } = node;
  const lean = heightOf(left) - heightOf(right);
  if (lean > 1 && left !== null) {
    if (heightOf(left.left) < heightOf(left.right)) node.left = turnedLeft(left);
    return turnedRight(node);
  }
  if (lean < -1 && right !== null) {
    if (heightOf(right.right) < heightOf(right.left)) node.right = turnedRight(right);
    return turnedLeft(node);
  }
  return update(node);
}

/** Its right child becomes the top. */
function turnedLeft<T>(node: IntervalNode<T>): IntervalNode<T> {
  const top = node.right as IntervalNode<T>;
  node.right = top.left;
  top.left = update(node);
  return update(top);
}

/** Its left child becomes the top. */
function turnedRight<T>(node: IntervalNode<T>): IntervalNode<T> {
  const top = node.left as IntervalNode<T>;
  node.left = top.right;
  top.right = update(node);
  return update(top);
}
