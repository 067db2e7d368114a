// modbus-serial over a serial line: node modbus_serial_rtu.mjs DEVICE BAUD PARTS
import ModbusRTU from "modbus-serial";
import { inspect, report } from "./plc.mjs";

const [device, baud, parts] = process.argv.slice(2);
const client = new ModbusRTU();
await client.connectRTUBuffered(device, { baudRate: Number(baud), parity: "even", dataBits: 8, stopBits: 1 });
client.setID(1);
client.setTimeout(2000);

const seen = await inspect(
  {
    read: async (address, count) => (await client.readInputRegisters(address, count)).data,
    write: (address, words) => client.writeRegisters(address, words),
  },
  Number(parts),
  true,
);
const refused = await client.readHoldingRegisters(36, 1).catch((error) => error.modbusCode);
report({ seen, refused });
client.close(() => process.exit(0));
