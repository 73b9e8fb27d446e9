#include "cloud/aws/walk.h"

bool walk_on(struct walk *walk, const char *marker, size_t rows, struct err *e)
{
	walk->empty = rows ? 0 : walk->empty + 1;
	if (*marker && (strcmp(marker, walk->earlier) == 0 || walk->empty > WALK_EMPTY_MAX))
		return err_set(e, ERR_INVALID,
			       "AWS's list does not end: the same page comes again");
	memcpy(walk->marker, marker, strlen(marker) + 1);
	if (walk->pages++ == walk->exchange) {
		memcpy(walk->earlier, walk->marker, sizeof(walk->earlier));
		walk->exchange = 2 * walk->exchange + 1;
	}
	return true;
}
