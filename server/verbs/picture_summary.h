/* What a training of the picture network came to, in a table for people. Threads: one. */
#ifndef VERBS_PICTURE_SUMMARY_H
#define VERBS_PICTURE_SUMMARY_H

/* Print the figures of the model DIR/models/<version>: by category, and which are taken for each other most. A model that cannot be read
 * prints nothing. */
void picture_summary_print(const char *data_directory, const char *version);

#endif
