// jsmodbus over node's TLS: node jsmodbus_tls.mjs HOST PORT PARTS CA CERTIFICATE KEY
import { once } from "node:events";
import { readFileSync } from "node:fs";
import tls from "node:tls";
import jsmodbus from "jsmodbus";
import { inspect, report } from "./plc.mjs";

const [host, port, parts, ca, cert, key] = process.argv.slice(2);
const trusted = { host, port: Number(port), ca: readFileSync(ca) };

const socket = tls.connect({ ...trusted, cert: readFileSync(cert), key: readFileSync(key) });
const client = new jsmodbus.client.TCP(socket, 1, 2000);
await once(socket, "secureConnect");
const seen = await inspect(
  {
    read: async (address, count) => (await client.readInputRegisters(address, count)).response.body.valuesAsArray,
    write: (address, words) => client.writeMultipleRegisters(address, words),
  },
  Number(parts),
);
report({ seen });
socket.end();

const stranger = tls.connect(trusted);
stranger.on("secureConnect", () => stranger.write(Buffer.from("000100000006010400600001", "hex")));
stranger.on("data", () => report({ without: "answered" }));
await new Promise((resolve) => stranger.on("error", resolve).on("close", resolve));
report({ without: "refused" });
