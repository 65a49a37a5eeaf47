/* The answers of S3, in XML from whoever stands at the other end: bounded, without entities, and
 * nothing is fetched. */
#ifndef VMCONFORM_NET_S3_XML_H
#define VMCONFORM_NET_S3_XML_H

#include <stddef.h>

#include "base/err.h"

#define S3_XML_DEPTH_MAX 16
#define S3_XML_PATH_MAX 256

/* Called at the end of each element, with its path ("ListBucketResult/Contents/Key") and the text
 * that stood directly in it. Anything but 0 ends the walk. */
typedef int s3_xml_fn(void *cookie, const char *path, const char *text);

/* -1: it is no XML, or too deep. */
int s3_xml_each(const char *bytes, size_t len, s3_xml_fn *fn, void *cookie, struct err *reterr);
/* The text of the first element of that path. New; NULL: there is none. */
char *s3_xml_text(const char *bytes, size_t len, const char *path);

#endif
