/* board: the parts of the emulated board (QEMU's mps2-an385), each in the file of its name.
 * Threads: one, and the UART's interrupt. Layer above: main. Below: the hardware. */
#ifndef FIRMWARE_BOARD_H
#define FIRMWARE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* uart: UART0 (CMSDK), received by interrupt, sent by polling. */
void uart_start(void);
void uart_put(const uint8_t *data, size_t len);
/* Sleeps until a byte is there. */
uint8_t uart_get(void);
void uart_interrupt(void);

/* flash: a NOR flash in the memory that QEMU keeps in a file. Erase sets whole pages to FF; program
 * only clears bits and fails where one would have to rise. Addresses count from 0:
 *	page 0		"IMPB" len32 8 bytes FF | unit id as text: made with the board
 *	page 1, 2	the agent's key and its commit mark
 *	page 3 + 5 n	slot n: certificate issuer chain root bundle
 * The same as tests/rig/boards_vflash.h has it. */
#define FLASH_PAGE 4096u
#define FLASH_KEY (1 * FLASH_PAGE)
#define FLASH_STATE (2 * FLASH_PAGE)
#define FLASH_SLOT(n) ((3 + 5 * (n)) * FLASH_PAGE)
#define FLASH_SLOT_SIZE (5 * FLASH_PAGE)
#define FLASH_SIZE FLASH_SLOT(5)

bool flash_read(uint32_t address, uint8_t *ret_data, size_t len);
bool flash_erase(uint32_t address, uint32_t len);
bool flash_program(uint32_t address, const uint8_t *data, size_t len);

/* entropy: the board has no generator of its own, so that who powers it puts SEED_SIZE random bytes
 * at SEED_ADDRESS, new ones each time. A restart without power finds the same ones there; what the
 * start before left beside them makes the difference. */
#define SEED_ADDRESS 0x2003f000u
#define SEED_SIZE 64
#define SEED_KEPT (SEED_ADDRESS + SEED_SIZE) /* left for the next start */
#define SEED_KEPT_SIZE 32

/* clock: microseconds since the start. */
void clock_start(void);
uint32_t clock_us(void);

void board_restart(void);

#endif
