/* What the plugin's objects and operations are called (datamover.md 1.5, 1.6, 2.3, 2.4). */
#ifndef VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_TITLES_H
#define VMCONFORM_COMPONENTS_KUBEVIRT_DATAMOVER_PLUGIN_TITLES_H

#define TITLE_BODY_MAX 239
#define TITLE_LABEL_MAX 63

/* "<owner>-<ns>-<name>-<h8>": the id of an operation; "du-" or "dd-" before it names the object.
 * h8: the first 8 hex digits of the SHA-256 of "owner/ns/name". What is before it has at most
 * TITLE_BODY_MAX bytes: the longest parts are cut, and lose the "-" and "." at their ends. New. */
char *title_operation(const char *owner, const char *ns, const char *name);
/* "owner/ns/name/h8", which can be taken apart again. New. */
char *title_vm_operation(const char *owner, const char *ns, const char *name);
/* Takes one apart, in place: -1 when it is none. */
struct vm_operation {
    char *restore, *ns, *vm; /* borrowed from text */
};
int title_parse(char *text, struct vm_operation *ret);
/* As the datamover shortens a text for a label. New. */
char *title_label(const char *text);
/* As Velero does. New. */
char *title_velero_label(const char *text);

#endif
