/* Folders of our own, removed with all that is in them: as far as that can be done, and never
 * through a link or on to another file system. */
#ifndef VMCONFORM_BASE_FOLDER_H
#define VMCONFORM_BASE_FOLDER_H

/* The folder itself stays. */
void folder_empty(const char *path);

void folder_remove(const char *path);

#endif
