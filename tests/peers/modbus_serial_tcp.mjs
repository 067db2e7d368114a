// modbus-serial over TCP: node modbus_serial_tcp.mjs HOST PORT PARTS
import ModbusRTU from "modbus-serial";
import { inspect, report } from "./plc.mjs";

const [host, port, parts] = process.argv.slice(2);
const client = new ModbusRTU();
await client.connectTCP(host, { port: Number(port) });
client.setID(1);
client.setTimeout(2000);

const seen = await inspect(
  {
    read: async (address, count) => (await client.readInputRegisters(address, count)).data,
    write: (address, words) => client.writeRegisters(address, words),
  },
  Number(parts),
);
const refused = await client.readHoldingRegisters(36, 1).catch((error) => error.modbusCode);
const online = (await client.readDiscreteInputs(7, 1)).data[0];
report({ seen, refused, online });
client.close(() => process.exit(0));
