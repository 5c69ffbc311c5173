/* A program to look at with a debugger: hart 0 computes and ends the run, hart 1 waits for it and then counts. */

typedef unsigned long u64;

volatile u64 counter;
volatile double ratio = 1.5;
volatile int ready;
const char name[] = "debugged";

__attribute__((noipa)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

__attribute__((noipa)) void bump(u64 by) { counter += by; }

__attribute__((noipa)) double half(double x) { return x / 2; }

__attribute__((noipa)) int inner(int x) {
  bump(x);
  return fib(x);
}

__attribute__((noipa)) int outer(int x) {
  int result = inner(x + 1);
  return result * 2;
}

/* Hart 1. */
void second(void) {
  while (!ready) {
  }
  for (;;) bump(100);
}

int main(void) {
  int sum = 0;
  for (int i = 0; i < 5; i++) sum += outer(i);
  for (volatile int i = 0; i < 2000; i++) bump(1);
  ratio = half(ratio);
  for (volatile int i = 0; i < 2000; i++) bump(1);
  ready = 1;
  for (volatile int i = 0; i < 20000; i++) {
  }
  /* Only a debugger can make it so. */
  return sum + (counter == 1000) + name[8];
}
