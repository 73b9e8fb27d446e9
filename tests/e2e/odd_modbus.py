"""A Modbus TCP module that misbehaves: it dribbles, refuses, hangs up. For the tests of fixtures/.

	with OddModbus() as module:             # module.port; coils and inputs (discrete and registers) are lists
		module.dribble_s = 0.04         # between two bytes of an answer
		module.refused.add((5, 40))     # function and address: "no such address"
		module.spoil = lambda number, answer: (number + 1, answer)   # another transaction's number
		module.hang_ups = 1             # so many requests are answered by hanging up
		module.hung_up.wait(15)         # until it did"""
import socket
import struct
import threading
import time


def bits(values):
    data = bytearray((len(values) + 7) // 8)
    for i, value in enumerate(values):
        data[i // 8] |= bool(value) << i % 8
    return bytes([len(data)]) + data


def words(values):
    return bytes([2 * len(values)]) + struct.pack(f">{len(values)}H", *values)


class OddModbus:
    def __init__(self):
        self.coils, self.inputs, self.registers = [0] * 256, [0] * 256, [0] * 256
        self.dribble_s, self.refused, self.hang_ups, self.hung_up = 0, set(), 0, threading.Event()
        self.spoil = lambda number, answer: (number, answer)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return  # the test has ended
            with caller:
                try:
                    self.hear(caller)
                except OSError:
                    pass

    def hear(self, caller):
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with caller.makefile("rb") as requests:
            while len(head := requests.read(7)) == 7:
                number, _, length, unit = struct.unpack(">HHHB", head)
                request = requests.read(length - 1)
                if self.hang_ups:
                    self.hang_ups -= 1
                    self.hung_up.set()
                    return
                number, answer = self.spoil(number, self.answer(request))
                self.send(caller, struct.pack(">HHHB", number & 0xffff, 0, len(answer) + 1, unit) + answer)

    def send(self, caller, answer):
        if not self.dribble_s:
            caller.sendall(answer)
            return
        for byte in answer:
            caller.sendall(bytes([byte]))
            time.sleep(self.dribble_s)

    def answer(self, request):
        function, address, count = struct.unpack(">BHH", request[:5])
        if (function, address) in self.refused:
            return bytes([function | 0x80, 2])
        if function in (1, 2):
            values = self.coils if function == 1 else self.inputs
            return bytes([function]) + bits(values[address:address + count])
        if function in (3, 4):
            return bytes([function]) + words(self.registers[address:address + count])
        if function == 5:
            self.coils[address] = count == 0xff00
        elif function == 15:
            for i in range(count):
                self.coils[address + i] = request[6 + i // 8] >> i % 8 & 1
        return request[:5]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
