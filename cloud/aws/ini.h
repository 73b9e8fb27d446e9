/* ini: the format of AWS's shared files.
 *	# comment, ; comment
 *	[section]
 *	key = value		or key: value; the value is the rest of the line
 *	  nested = ignored	a line that begins with a space belongs to the key above
 * Pure functions over memory, any input is safe; nothing is changed or copied. ERR_INVALID names the
 * line, never what is in it: it may be a secret. Threads: any. Layer above: credentials. Below: none.
 * Source: AWS CLI user guide, "Configuration and credential file settings". */
#ifndef CLOUD_AWS_INI_H
#define CLOUD_AWS_INI_H

#include "base/bytes.h"
#include "base/err.h"

/* One value; section and key without spaces around them. */
struct ini_value {
	struct bytes section, key, value;
};
typedef bool (*ini_each)(void *context, const struct ini_value *value, struct err *e);

/* In the order of the file; a section without values is called with an empty key. */
MUST_CHECK bool ini_read(struct bytes text, ini_each each, void *context, struct err *e);

#endif
