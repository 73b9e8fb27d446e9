#include "serial/adapter.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTY_DIR "/sys/class/tty"
#define PORT_DIR "/dev/serial/by-path"

AUTO_DEFINE(DIR, DIR *, closedir)

/* One line of a file of sysfs, as printable ASCII; "" if there is none. */
static void read_text(const char *folder, const char *name, char text[static ADAPTER_TEXT_SIZE])
{
	char path[PATH_MAX];
	AUTO(FILE) file = NULL;

	text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return;
	file = fopen(path, "re");
	if (!file || !fgets(text, ADAPTER_TEXT_SIZE, file))
		return;
	text[strcspn(text, "\n")] = '\0';
	for (char *c = text; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '.';
}

/* The nearest folder above a terminal's own that is a USB device: its interface and, of a
 * USB-to-serial chip, its port lie between. */
static bool find_usb_device(char path[static PATH_MAX])
{
	char vendor[ADAPTER_TEXT_SIZE];
	char *slash;

	while ((slash = strrchr(path, '/'))) {
		read_text(path, "idVendor", vendor);
		if (*vendor)
			return true;
		*slash = '\0';
	}
	return false;
}

static void describe_usb(const char *folder, struct adapter *a)
{
	char vendor[ADAPTER_TEXT_SIZE], product[ADAPTER_TEXT_SIZE];

	snprintf(a->usb, sizeof(a->usb), "%s", strrchr(folder, '/') + 1);
	read_text(folder, "idVendor", vendor);
	read_text(folder, "idProduct", product);
	snprintf(a->id, sizeof(a->id), "%.4s:%.4s", vendor, product);
	read_text(folder, "product", a->product);
	read_text(folder, "serial", a->serial);
}

/* False for a terminal without hardware: a console, a pty, an 8250 that nobody soldered in. */
static bool describe(const char *root, const char *name, struct adapter *ret_adapter)
{
	struct adapter a = { 0 };
	char path[PATH_MAX], device[PATH_MAX], type[ADAPTER_TEXT_SIZE];

	if (snprintf(path, sizeof(path), "%s" TTY_DIR "/%s", root, name) >= (int)sizeof(path))
		return false;
	read_text(path, "type", type);
	strncat(path, "/device", sizeof(path) - strlen(path) - 1);
	if (strcmp(type, "0") == 0 || !realpath(path, device) ||
	    snprintf(a.device, sizeof(a.device), "/dev/%s", name) >= (int)sizeof(a.device))
		return false;
	if (find_usb_device(device))
		describe_usb(device, &a);
	*ret_adapter = a;
	return true;
}

static bool list_terminals(const char *root, struct adapter adapters[static ADAPTERS_MAX],
			   size_t *ret_count, struct err *e)
{
	char path[PATH_MAX];
	struct dirent *entry;
	AUTO(DIR) dir = NULL;
	size_t count = 0;

	snprintf(path, sizeof(path), "%s" TTY_DIR, root);
	dir = opendir(path);
	if (!dir)
		return err_errno(e, ERR_SYSTEM, "cannot read %s", path);
	while (count < ADAPTERS_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && describe(root, entry->d_name, &adapters[count]))
			count++;
	*ret_count = count;
	return true;
}

static struct adapter *find(struct adapter *adapters, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(strrchr(adapters[i].device, '/') + 1, name) == 0)
			return &adapters[i];
	return NULL;
}

/* udev may give a line two names, of which the first one in the alphabet is as good as the other.
 */
static void name_port(const char *root, const char *name, struct adapter *adapters, size_t count)
{
	char path[PATH_MAX], target[PATH_MAX], port[ADAPTER_PORT_SIZE];
	struct adapter *a;

	if (snprintf(path, sizeof(path), "%s" PORT_DIR "/%s", root, name) >= (int)sizeof(path) ||
	    snprintf(port, sizeof(port), PORT_DIR "/%s", name) >= (int)sizeof(port) ||
	    !realpath(path, target))
		return;
	a = find(adapters, count, strrchr(target, '/') + 1);
	if (a && (!*a->port || strcmp(port, a->port) < 0))
		memcpy(a->port, port, sizeof(port));
}

static void name_ports(const char *root, struct adapter *adapters, size_t count)
{
	char path[PATH_MAX];
	struct dirent *entry;
	AUTO(DIR) dir = NULL;

	snprintf(path, sizeof(path), "%s" PORT_DIR, root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		name_port(root, entry->d_name, adapters, count);
}

static int by_socket(const void *left, const void *right)
{
	const struct adapter *a = left, *b = right;
	int order = strverscmp(a->usb, b->usb);

	return order ? order : strverscmp(a->device, b->device);
}

bool adapter_list(const char *root, struct adapter adapters[static ADAPTERS_MAX], size_t *ret_count,
		  struct err *e)
{
	if (!list_terminals(root, adapters, ret_count, e))
		return false;
	name_ports(root, adapters, *ret_count);
	qsort(adapters, *ret_count, sizeof(*adapters), by_socket);
	return true;
}
