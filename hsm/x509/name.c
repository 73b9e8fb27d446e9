#include "hsm/x509/name.h"

#include "hsm/x509/crypto.h"

#include <ctype.h>
#include <strings.h>

#define VALUE_MAX 256
#define TYPE_MAX 64
#define OID_MAX 32

/* What RFC 5280 appendix A says of an attribute: its string type and how many characters. */
static const struct attribute {
	const char *name;
	uint8_t oid[OID_MAX];
	size_t oid_len;
	enum der_tag tag;
	size_t max_len;
} attributes[] = {
	{ "CN", { 0x06, 3, 0x55, 4, 3 }, 5, DER_UTF8, 64 },
	{ "SN", { 0x06, 3, 0x55, 4, 4 }, 5, DER_UTF8, 64 },
	{ "serialNumber", { 0x06, 3, 0x55, 4, 5 }, 5, DER_PRINTABLE, 64 },
	{ "C", { 0x06, 3, 0x55, 4, 6 }, 5, DER_PRINTABLE, 2 },
	{ "L", { 0x06, 3, 0x55, 4, 7 }, 5, DER_UTF8, 128 },
	{ "ST", { 0x06, 3, 0x55, 4, 8 }, 5, DER_UTF8, 128 },
	{ "street", { 0x06, 3, 0x55, 4, 9 }, 5, DER_UTF8, 128 },
	{ "O", { 0x06, 3, 0x55, 4, 10 }, 5, DER_UTF8, 64 },
	{ "OU", { 0x06, 3, 0x55, 4, 11 }, 5, DER_UTF8, 64 },
	{ "title", { 0x06, 3, 0x55, 4, 12 }, 5, DER_UTF8, 64 },
	{ "GN", { 0x06, 3, 0x55, 4, 42 }, 5, DER_UTF8, 64 },
	{ "dnQualifier", { 0x06, 3, 0x55, 4, 46 }, 5, DER_PRINTABLE, 64 },
	{ "pseudonym", { 0x06, 3, 0x55, 4, 65 }, 5, DER_UTF8, 128 },
	{ "UID",
	  { 0x06, 10, 9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1 },
	  12,
	  DER_UTF8,
	  VALUE_MAX - 1 },
	{ "DC", { 0x06, 10, 9, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25 }, 12, DER_IA5, 63 },
	{ "emailAddress",
	  { 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1 },
	  11,
	  DER_IA5,
	  VALUE_MAX - 1 },
};

static bool dotted_oid(const char *text, struct attribute *ret_attribute)
{
	ASN1_OBJECT *object = OBJ_txt2obj(text, 1);
	uint8_t *at = ret_attribute->oid;
	int len = object ? i2d_ASN1_OBJECT(object, NULL) : 0;
	bool fits = len > 0 && len <= OID_MAX && i2d_ASN1_OBJECT(object, &at) == len;

	ASN1_OBJECT_free(object);
	ERR_clear_error();
	ret_attribute->name = text;
	ret_attribute->oid_len = (size_t)len;
	ret_attribute->tag = DER_UTF8;
	ret_attribute->max_len = VALUE_MAX - 1;
	return fits;
}

/* The attribute of a type's name, from the table, or made up in *spare for a dotted OID. */
static const struct attribute *find_attribute(const char *type, struct attribute *spare)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (strcasecmp(attributes[i].name, type) == 0)
			return &attributes[i];
	return isdigit((unsigned char)*type) && dotted_oid(type, spare) ? spare : NULL;
}

/* "O =": the type in front of a value, without the blanks around it. */
static bool read_type(const char **text, char ret_type[static TYPE_MAX], struct err *e)
{
	const char *start = *text + strspn(*text, " ");
	size_t len = strcspn(start, "=,+;");
	size_t type_len = len;

	if (start[len] != '=')
		return err_set(e, ERR_INVALID, "\"%.64s\" is not of the form TYPE=VALUE", *text);
	while (type_len > 0 && start[type_len - 1] == ' ')
		type_len--;
	if (type_len == 0 || type_len >= TYPE_MAX)
		return err_set(e, ERR_INVALID, "there is no attribute type before \"%.64s\"",
			       start + len);
	memcpy(ret_type, start, type_len);
	ret_type[type_len] = '\0';
	*text = start + len + 1;
	return true;
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return isxdigit((unsigned char)digit) ? tolower((unsigned char)digit) - 'a' + 10 : -1;
}

/* One character behind a backslash: a special one as it is, or two hexadecimal digits. */
static bool read_escaped(const char **text, char *ret_character)
{
	int high = hex_value((*text)[0]), low = high < 0 ? -1 : hex_value((*text)[1]);

	if (low >= 0) {
		*ret_character = (char)(high << 4 | low);
		*text += 2;
		return true;
	}
	if (**text == '\0' || !strchr(" \"#+,;<=>\\", **text))
		return false;
	*ret_character = *(*text)++;
	return true;
}

/* Up to the next comma that is not escaped; blanks around it that are not escaped do not count. */
static bool read_value(const char **text, char ret_value[static VALUE_MAX], size_t *ret_len,
		       struct err *e)
{
	const char *start = *text += strspn(*text, " ");
	size_t len = 0, kept = 0;

	if (**text == '#')
		return err_set(e, ERR_INVALID, "a value in hexadecimal (\"#…\") is not supported");
	while (**text && **text != ',') {
		if (len + 1 == VALUE_MAX)
			return err_set(e, ERR_INVALID, "the value \"%.32s…\" is too long", start);
		if (**text == '\\') {
			++*text;
			if (!read_escaped(text, &ret_value[len]))
				return err_set(e, ERR_INVALID,
					       "a backslash before \"%.8s\" escapes nothing",
					       *text);
			kept = ++len;
			continue;
		}
		if (strchr("\"+;<>", **text))
			return err_set(e, ERR_INVALID,
				       "\"%c\" in \"%.32s\" needs a backslash in front", **text,
				       start);
		ret_value[len++] = *(*text)++;
		if (ret_value[len - 1] != ' ')
			kept = len;
	}
	*ret_len = kept;
	return true;
}

static size_t utf8_sequence(const unsigned char *at, size_t left, uint32_t *ret_code)
{
	size_t len = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (len == 0 || len > left || at[0] > 0xf4)
		return 0;
	*ret_code = len == 1 ? at[0] : at[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*ret_code = *ret_code << 6 | (at[i] & 0x3f);
	}
	if (*ret_code < smallest[len] || *ret_code > 0x10ffff ||
	    (*ret_code >= 0xd800 && *ret_code < 0xe000))
		return 0;
	return len;
}

static bool printable_string(char c)
{
	return isalnum((unsigned char)c) || (c && strchr(" '()+,-./:=?", c));
}

/* Counts the characters; false if one does not belong into a string of that type. */
static bool fits_type(const char *value, size_t len, enum der_tag tag, size_t *ret_count)
{
	uint32_t code = 0;
	size_t count = 0, step;

	for (size_t i = 0; i < len; i += step, count++) {
		step = utf8_sequence((const unsigned char *)value + i, len - i, &code);
		if (step == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			return false;
		if ((tag == DER_PRINTABLE && !printable_string(value[i])) ||
		    (tag == DER_IA5 && code >= 0x80))
			return false;
	}
	*ret_count = count;
	return true;
}

static bool write_attribute(const char *type, const char *value, size_t len, struct der_writer *w,
			    struct err *e)
{
	struct attribute spare;
	const struct attribute *attribute = find_attribute(type, &spare);
	size_t count, set, pair;

	if (!attribute)
		return err_set(e, ERR_INVALID,
			       "\"%s\" is no attribute type: CN, O, OU, C, L, ST, serialNumber, "
			       "dnQualifier, DC, UID and the like, or a dotted OID",
			       type);
	if (!fits_type(value, len, attribute->tag, &count))
		return err_set(e, ERR_INVALID,
			       "%s may not hold \"%.*s\": a character is not allowed", type,
			       (int)len, value);
	if (count == 0 || count > attribute->max_len)
		return err_set(e, ERR_INVALID, "%s has %zu characters; 1 to %zu are allowed", type,
			       count, attribute->max_len);
	set = der_begin(w, DER_SET);
	pair = der_begin(w, DER_SEQUENCE);
	der_put_raw(w, bytes_of(attribute->oid, attribute->oid_len));
	der_put(w, attribute->tag, bytes_of(value, len));
	der_end(w, pair);
	der_end(w, set);
	return true;
}

bool name_subject(const char *text, struct der_writer *w, struct err *e)
{
	char type[TYPE_MAX], value[VALUE_MAX];
	size_t len = 0, count = 0, name = der_begin(w, DER_SEQUENCE);

	for (;;) {
		if (++count > NAME_ATTRIBUTES_MAX)
			return err_set(e, ERR_INVALID, "a subject has at most %d attributes",
				       NAME_ATTRIBUTES_MAX);
		if (!read_type(&text, type, e) || !read_value(&text, value, &len, e) ||
		    !write_attribute(type, value, len, w, e))
			return err_add(e, "subject");
		if (*text == '\0')
			break;
		text++;
	}
	der_end(w, name);
	return der_ok(w) || err_set(e, ERR_INVALID, "the subject is too long");
}
