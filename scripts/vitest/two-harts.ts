/** Stands for `packages/kernel/test/support/harts.ts` where the kernel's tests run on two harts. */
export const HARTS: number = 2;
