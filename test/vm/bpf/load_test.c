/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and attaches every program on this kernel, and prints what each cost the verifier. */
#include "test/vm/bpf/kernel_side.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    struct kernel_side k;
    int r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    r = kernel_side_load(&k);
    if (r == 0) {
        kernel_side_print_costs(&k);
        r = kernel_side_attach(&k);
    }
    if (r < 0)
        printf("%s\n", strerror(-r));
    kernel_side_done(&k);
    printf("%d passed, %d failed\n", r == 0, r != 0);
    return r != 0;
}
