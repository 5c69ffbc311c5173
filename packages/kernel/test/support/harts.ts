/** How many harts the machines of these tests have. The project `two-harts` runs some of them with another number. */
export const HARTS: number = 1;
