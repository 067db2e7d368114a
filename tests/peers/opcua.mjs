// node-opcua as a client: `node opcua.mjs VERB URL FOLDER`, FOLDER with client.pem, client.key, user.pem,
// user.key. `matrix` tries every endpoint with every proof, `visit` does what SCADA does, `recover` watches a
// tag while the server dies and comes back. `certificates` is a client that trusts only the stations whose
// certificates lie in FOLDER/trusted: each CASE/ in FOLDER/cases has a client.pem, a client.key and a url.

import opcua from "node-opcua-client";
import managers from "node-opcua-certificate-manager";
import { readCertificate } from "node-opcua-crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const { OPCUACertificateManager } = managers;
const { OPCUAClient, MessageSecurityMode, SecurityPolicy, UserTokenType } = opcua;
const { AttributeIds, DataType, TimestampsToReturn, Variant, VariantArrayType } = opcua;
const [verb, url, folder] = process.argv.slice(2);
const report = (fact) => process.stdout.write(JSON.stringify(fact) + "\n");
console.log = console.warn = console.error; // the library's remarks are none of ours

const certificates = new OPCUACertificateManager({
  rootFolder: join(folder, "node-pki"),
  automaticallyAcceptUnknownCertificate: true,
});
await certificates.initialize();

const tag = (name) => `ns=2;s=PLC.${name}`;
const anonymous = { type: UserTokenType.Anonymous };
const password = (word) => ({ type: UserTokenType.UserName, userName: "anna", password: word });
const pem = (name) => readFileSync(join(folder, name), "utf8");
const der = (name) => readCertificate(join(folder, name));
const certificate = () => ({
  type: UserTokenType.Certificate,
  certificateData: der("user.pem"),
  privateKey: pem("user.key"),
});

function client(policy, mode, retries = 0, owner = folder, manager = certificates) {
  return OPCUAClient.create({
    applicationName: "test-client",
    applicationUri: "urn:okng:test-client",
    certificateFile: join(owner, "client.pem"),
    privateKeyFile: join(owner, "client.key"),
    clientCertificateManager: manager,
    securityPolicy: SecurityPolicy[policy],
    securityMode: MessageSecurityMode[mode],
    endpointMustExist: false,
    connectionStrategy: { maxRetry: retries, initialDelay: 100, maxDelay: 1000 },
    keepSessionAlive: retries !== 0,
    requestedSessionTimeout: 20000,
    transportTimeout: 10000,
  });
}

async function attempt(policy, mode, proof) {
  const one = client(policy, mode);
  try {
    await one.connect(url);
    const session = await one.createSession(proof);
    const outcome = await session.call({ objectId: "ns=2;s=PLC", methodId: "ns=2;s=PLC.ResetStatistics" });
    await session.close();
    return outcome.statusCode.isGood() ? "operates" : `reads (${outcome.statusCode.name})`;
  } catch (error) {
    return "refused";
  } finally {
    await one.disconnect();
  }
}

async function matrix() {
  const endpoints = [["None", "None"]];
  for (const policy of ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]) {
    for (const mode of ["Sign", "SignAndEncrypt"]) endpoints.push([policy, mode]);
  }
  const proofs = {
    anonymous,
    password: password("correct horse"),
    "wrong password": password("wrong horse"),
    certificate: certificate(),
  };
  for (const [policy, mode] of endpoints) {
    for (const [who, proof] of Object.entries(proofs)) {
      report({ policy, mode, who, outcome: await attempt(policy, mode, proof) });
    }
  }
}

async function trustingFew() {
  const manager = new OPCUACertificateManager({
    rootFolder: join(folder, "strict-pki"),
    automaticallyAcceptUnknownCertificate: false,
  });
  await manager.initialize();
  for (const file of readdirSync(join(folder, "trusted"))) {
    await manager.trustCertificate(readCertificate(join(folder, "trusted", file)));
  }
  for (const name of readdirSync(join(folder, "cases"))) {
    const place = join(folder, "cases", name);
    const one = client("Basic256Sha256", "SignAndEncrypt", 0, place, manager);
    let outcome = "connected";
    try {
      await one.connect(readFileSync(join(place, "url"), "utf8"));
      const session = await one.createSession(anonymous);
      await session.close();
    } catch (error) {
      outcome = error.message;
    } finally {
      await one.disconnect();
    }
    report({ name, outcome });
  }
}

const FIELDS = [
  "EventType", "ResultId", "IsPartial", "IsSimulated", "ResultState", "PartId", "InternalRecipeId",
  "InternalConfigurationId", "JobId", "CreationTime", "ProcessingTimes", "ResultContent",
];

async function visit() {
  const one = client("Basic256Sha256", "SignAndEncrypt");
  await one.connect(url);
  const session = await one.createSession(password("correct horse"));
  const root = await session.browse("ns=2;s=line-1");
  report({ children: root.references.map((each) => each.browseName.toString()) });
  const ready = await session.read({ nodeId: tag("Station.TestText"), attributeId: AttributeIds.Value });
  report({ text: ready.value.value });
  const past = await session.readHistoryValue(tag("Result.InspectionId"), "2020-01-01", new Date());
  report({ past: past.historyData.dataValues.map((each) => each.value.value) });
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 50,
    requestedLifetimeCount: 100,
    requestedMaxKeepAliveCount: 10,
    publishingEnabled: true,
    maxNotificationsPerPublish: 100,
    priority: 1,
  });
  const events = await subscription.monitor(
    { nodeId: "i=2253", attributeId: AttributeIds.EventNotifier },
    {
      samplingInterval: 0,
      queueSize: 100,
      discardOldest: true,
      filter: opcua.constructEventFilter(FIELDS, opcua.ofType("ns=3;i=1024")),
    },
    TimestampsToReturn.Both
  );
  const told = new Promise((resolve) => events.on("changed", resolve));
  const none = new Variant({ dataType: DataType.ExtensionObject, value: null });
  const PartId = await session.constructExtensionObject(opcua.resolveNodeId("ns=3;i=3004"), { id: "A7" });
  const started = await session.call({
    objectId: "ns=2;s=VisionStateMachine.AutomaticModeStateMachine",
    methodId: "ns=3;i=7098",
    inputArguments: [
      none,
      new Variant({ dataType: DataType.ExtensionObject, value: PartId }),
      none,
      none,
      new Variant({ dataType: DataType.Variant, arrayType: VariantArrayType.Array, value: [] }),
    ],
  });
  report({ started: started.statusCode.name, job: started.outputArguments[0].value.id, error: started.outputArguments[1].value });
  const values = await told;
  const seen = {};
  FIELDS.forEach((name, index) => (seen[name] = plain(values[index].value)));
  report({ result: seen });
  await session.close();
  await one.disconnect();
}

function plain(value) {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((each) => plain(each.value ?? each));
  if (value && typeof value.toJSON === "function") return value.toJSON();
  return value;
}

async function recover() {
  const one = client("Basic256Sha256", "SignAndEncrypt", -1);
  await one.connect(url);
  const session = await one.createSession(anonymous);
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 100,
    requestedLifetimeCount: 1000,
    requestedMaxKeepAliveCount: 5,
    publishingEnabled: true,
    maxNotificationsPerPublish: 100,
    priority: 1,
  });
  const item = await subscription.monitor(
    { nodeId: tag("Status.Heartbeat"), attributeId: AttributeIds.Value },
    { samplingInterval: 100, queueSize: 1, discardOldest: true },
    TimestampsToReturn.Both
  );
  item.on("changed", (value) => report({ value: value.value?.value ?? null, status: value.statusCode.name }));
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.on("end", resolve));
  setTimeout(() => process.exit(0), 2000).unref();
  await one.disconnect();
}

await { matrix, visit, recover, certificates: trustingFew }[verb]();
process.exit(0);
