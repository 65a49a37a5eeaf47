/* All report writers. Each is a line of writers.list, and nothing else. */
#include "base/cleanup.h"
#include "reports/writers.h"

#define WRITER(name, file) extern const struct report_writer report_writer_##name;
#include "reports/writers.list"
#undef WRITER

const struct report_writer *const report_writers[] = {
#define WRITER(name, file) &report_writer_##name,
#include "reports/writers.list"
#undef WRITER
};
const size_t report_writer_count = ARRAY_LEN(report_writers);
