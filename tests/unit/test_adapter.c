#include "serial/adapter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCI "sys/devices/pci0000:00/0000:00:14.0"
#define HUB PCI "/usb1/1-2"

/* A system of files, as sysfs and udev make them; a text that begins with "->" is a link. */
static const struct {
	const char *path, *text;
} files[] = {
	{ HUB "/idVendor", "0409\n" },
	{ HUB "/idProduct", "55aa\n" },
	{ HUB "/1-2.10/idVendor", "0403\n" },
	{ HUB "/1-2.10/idProduct", "6001\n" },
	{ HUB "/1-2.10/product", "FT232R USB UART\n" },
	{ HUB "/1-2.10/serial", "A10K\n" },
	{ HUB "/1-2.10/1-2.10:1.0/ttyUSB0/latency_timer", "16\n" },
	{ HUB "/1-2.9/idVendor", "2fe3\n" },
	{ HUB "/1-2.9/idProduct", "0001\n" },
	{ HUB "/1-2.9/product", "\x1b[31mEvil\xff\n" },
	{ HUB "/1-2.9/1-2.9:1.0/bInterfaceNumber", "00\n" },
	{ "sys/devices/pnp0/00:04/id", "PNP0501\n" },
	{ "sys/class/tty/ttyUSB0/device", "->../../../../" HUB "/1-2.10/1-2.10:1.0/ttyUSB0" },
	{ "sys/class/tty/ttyACM0/device", "->../../../../" HUB "/1-2.9/1-2.9:1.0" },
	{ "sys/class/tty/ttyS0/device", "->../../../../sys/devices/pnp0/00:04" },
	{ "sys/class/tty/ttyS0/type", "4\n" },
	{ "sys/class/tty/ttyS1/device", "->../../../../sys/devices/pnp0/00:04" },
	{ "sys/class/tty/ttyS1/type", "0\n" },
	{ "sys/class/tty/tty0/active", "tty0\n" },
	{ "dev/ttyUSB0", "" },
	{ "dev/ttyACM0", "" },
	{ "dev/serial/by-path/pci-0000:00:14.0-usbv2-0:2.10:1.0-port0", "->../../ttyUSB0" },
	{ "dev/serial/by-path/pci-0000:00:14.0-usb-0:2.10:1.0-port0", "->../../ttyUSB0" },
	{ "dev/serial/by-path/pci-0000:00:14.0-usb-0:2.9:1.0", "->../../ttyACM0" },
	{ "dev/serial/by-path/pci-0000:00:14.0-usb-0:2.8:1.0", "->../../ttyACM1" },
};

static const struct adapter expected[] = {
	{ .device = "/dev/ttyS0" },
	{ .device = "/dev/ttyACM0",
	  .port = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.9:1.0",
	  .usb = "1-2.9",
	  .id = "2fe3:0001",
	  .product = ".[31mEvil." },
	{ .device = "/dev/ttyUSB0",
	  .port = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2.10:1.0-port0",
	  .usb = "1-2.10",
	  .id = "0403:6001",
	  .product = "FT232R USB UART",
	  .serial = "A10K" },
};

static char root[64];

static void make_folders(char *path)
{
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
}

static void make_file(const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	make_folders(path);
	if (strncmp(text, "->", 2) == 0) {
		assert_int_equal(symlink(text + 2, path), 0);
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_system(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_adapter.XXXXXX");
	assert_non_null(mkdtemp(root));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		make_file(files[i].path, files[i].text);
	return 0;
}

static int remove_system(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void lines_are_listed_by_socket(void **state)
{
	static struct adapter adapters[ADAPTERS_MAX];
	size_t count;
	struct err e;

	(void)state;
	assert_true(adapter_list(root, adapters, &count, &e));
	assert_int_equal(count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(adapters[i].device, expected[i].device);
		assert_string_equal(adapters[i].port, expected[i].port);
		assert_string_equal(adapters[i].usb, expected[i].usb);
		assert_string_equal(adapters[i].id, expected[i].id);
		assert_string_equal(adapters[i].product, expected[i].product);
		assert_string_equal(adapters[i].serial, expected[i].serial);
	}
}

static void a_system_without_terminals_is_an_error(void **state)
{
	static struct adapter adapters[ADAPTERS_MAX];
	size_t count;
	struct err e;

	(void)state;
	assert_false(adapter_list("/there/is/no/such/system", adapters, &count, &e));
	assert_int_equal(e.code, ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_listed_by_socket, make_system,
						remove_system),
		cmocka_unit_test(a_system_without_terminals_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
