// jsmodbus over TCP: node jsmodbus_tcp.mjs HOST PORT PARTS
import { once } from "node:events";
import net from "node:net";
import jsmodbus from "jsmodbus";
import { inspect, report } from "./plc.mjs";

const [host, port, parts] = process.argv.slice(2);
const socket = net.connect({ host, port: Number(port), noDelay: true });
const client = new jsmodbus.client.TCP(socket, 1, 2000);
await once(socket, "connect");

const seen = await inspect(
  {
    read: async (address, count) => (await client.readInputRegisters(address, count)).response.body.valuesAsArray,
    write: (address, words) => client.writeMultipleRegisters(address, words),
  },
  Number(parts),
);
const refused = await client.readHoldingRegisters(36, 1).catch((error) => error.response.body.code);
report({ seen, refused });
socket.end();
