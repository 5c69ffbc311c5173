export { prepareBoot } from './boot.js';
export type { BootLayout, BootOptions } from './boot.js';
export { BootError } from './boot-error.js';
export type { BootErrorCode } from './boot-error.js';
export { flattenTree } from './flattened-tree.js';
export type { TreeNode, TreeValue } from './flattened-tree.js';
export { isaExtensions, isaString } from './isa-string.js';
export { VirtPlatform } from './virt-platform.js';
export type { TreeOptions, VirtPlatformOptions } from './virt-platform.js';
