/* See re2_shim.h. No exception leaves this file: RE2 throws none, and out of memory ends the
 * process as elsewhere. */
#include "cel/re2_shim.h"

#include <re2/re2.h>

#include <cstdio>
#include <new>

struct regex {
    re2::RE2 re;
    regex(const re2::StringPiece &pattern, const re2::RE2::Options &options) : re(pattern, options)
    {
    }
};

/* Of compiled program and matching state together; a pattern that needs more is refused. */
static const int64_t REGEX_MEMORY_MAX = 1 << 20;

extern "C" struct regex *regex_create(const char *pattern, size_t len, char *why,
                                      size_t why_size) noexcept
{
    re2::RE2::Options options(re2::RE2::Quiet);

    options.set_max_mem(REGEX_MEMORY_MAX);
    struct regex *re = new regex(re2::StringPiece(pattern, len), options);
    if (re->re.ok())
        return re;
    std::snprintf(why, why_size, "%s", re->re.error().c_str());
    delete re;
    return nullptr;
}

extern "C" void regex_destroy(struct regex *re) noexcept
{
    delete re;
}

extern "C" bool regex_find(const struct regex *re, const char *text, size_t len, size_t from,
                           size_t *ret_start, size_t *ret_end) noexcept
{
    re2::StringPiece found;
    const re2::StringPiece whole(text, len);

    if (!re->re.Match(whole, from, len, re2::RE2::UNANCHORED, ret_start ? &found : nullptr,
                      ret_start ? 1 : 0))
        return false;
    if (ret_start) {
        *ret_start = static_cast<size_t>(found.data() - text);
        *ret_end = *ret_start + found.size();
    }
    return true;
}
