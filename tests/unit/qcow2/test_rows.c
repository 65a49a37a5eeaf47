/* Measured qemu-img behaviour, row by row: what it exits with and which bytes come out, right or
 * wrong, and beside it our answer, which is a code or the right bytes. Where no reader of the files
 * could know better, our bytes are qemu's, and the test says why. */
#include "tests/unit/qcow2/rows.h"
#include "tests/unit/suite.h"

int main(void)
{
    if (!have_qemu())
        return 77;
    Suite *s = suite_create("rows");
    rows_of_chains(s);
    rows_of_images(s);
    rows_of_targets(s);
    return suite_run(s);
}
