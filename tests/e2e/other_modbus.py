"""A Modbus server that is not ours and not libmodbus: pymodbus, over TCP or on a serial line.

	other_modbus.py tcp PORT | rtu DEVICE
Lines on stdin, each answered by one line: "di N 0|1", "hr N VALUE", "coils N COUNT", "registers N COUNT"."""
import asyncio
import json
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

COILS, INPUTS, REGISTERS = 1, 2, 3  # as functions name them


def answers(slave):
    for line in sys.stdin:
        words = line.split()
        number, value = int(words[1]), int(words[2])
        if words[0] in ("di", "hr"):
            slave.setValues(INPUTS if words[0] == "di" else REGISTERS, number, [value])
            yield "ok"
        else:
            yield json.dumps([int(v) for v in slave.getValues(COILS if words[0] == "coils" else REGISTERS, number, value)])


async def serve(kind, where, context):
    if kind == "tcp":
        server = ModbusTcpServer(context, framer=ModbusSocketFramer, address=("127.0.0.1", int(where)), allow_reuse_address=True)
    else:
        server = ModbusSerialServer(context, framer=ModbusRtuFramer, port=where, baudrate=19200, parity="N")
        await server.start()
    await server.serve_forever()


def main():
    slave = ModbusSlaveContext(di=ModbusSequentialDataBlock(0, [0] * 64), co=ModbusSequentialDataBlock(0, [0] * 64),
                               hr=ModbusSequentialDataBlock(0, [0] * 64), ir=ModbusSequentialDataBlock(0, [0] * 64), zero_mode=True)
    context = ModbusServerContext(slaves=slave, single=True)
    threading.Thread(target=lambda: asyncio.run(serve(sys.argv[1], sys.argv[2], context)), daemon=True).start()
    for answer in answers(slave):
        print(answer, flush=True)


main()
