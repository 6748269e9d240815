/* Prints the processor's cycles per nanosecond while it does nothing else: additions of registers that wait for each other take one each. */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

int main(void) {
  double best = 0;
  for (int round = 0; round < 50; round++) {
    struct timespec from, to;
    uint64_t sum = round, additions = 1000000;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t i = 0; i < additions / 10; i++)
      __asm__ volatile("add %1,%0\n add %1,%0\n add %1,%0\n add %1,%0\n add %1,%0\n"
                       "add %1,%0\n add %1,%0\n add %1,%0\n add %1,%0\n add %1,%0\n" : "+r"(sum) : "r"(round + UINT64_C(1)));
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec);
    if (additions / ns > best) best = additions / ns;
  }
  printf("%.3f\n", best);
  return 0;
}
