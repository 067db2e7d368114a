"use strict";

const TEXTS = {
  en: {
    frame: "last frame", heat: "heat map: blue calm, white line the threshold, red twice the threshold",
    away: "The core does not answer. Nothing below is true any more.", none: "no part yet",
    ready: "ready", busy: "inspecting", notReady: "not ready", offline: "offline",
    latched: "stays until ClearError",
    reasons: ["", "maintenance", "discrete input", "SetOffline", "starting", "no recipe or model", "camera lost", "error"],
    recipe: "recipe", model: "model", device: "device", score: "score (0.5 = threshold)", ms: "trigger to result, ms",
    inference: "inference, ms", total: "inspected", ok: "OK", ng: "NG", missed: "missed triggers", error: "error",
    modbus: "Modbus TCP", serial: "serial", simulated: "simulated frames", warning: "warning",
    server: "training server", waiting: "waiting for the server",
    standings: {
      off: "not enrolled", connecting: "connecting", up: "connected", away: "away, results wait on this box",
      nonsense: "something else answers at its address", fault: "this box cannot send",
      unauthorised: "this box is not let in: enrol it again",
    },
  },
  zh: {
    frame: "最近图像", heat: "热力图：蓝色正常，白线为阈值，红色为两倍阈值",
    away: "核心进程没有应答，以下内容均已失效。", none: "尚无工件",
    ready: "就绪", busy: "检测中", notReady: "未就绪", offline: "离线",
    latched: "保持到写入 ClearError",
    reasons: ["", "维护", "离散输入", "SetOffline", "启动中", "无配方或模型", "相机丢失", "错误"],
    recipe: "配方", model: "模型", device: "设备", score: "分数（0.5 = 阈值）", ms: "触发到结果（毫秒）",
    inference: "推理（毫秒）", total: "已检测", ok: "OK", ng: "NG", missed: "漏触发", error: "错误",
    modbus: "Modbus TCP", serial: "序列号", simulated: "模拟图像", warning: "警告",
    server: "训练服务器", waiting: "等待发送",
    standings: {
      off: "未注册", connecting: "连接中", up: "已连接", away: "离线，结果暂存本机",
      nonsense: "该地址不是训练服务器", fault: "本机无法发送", unauthorised: "本机被拒绝：请重新注册",
    },
  },
};

const asked = new URLSearchParams(location.search).get("lang");
const lang = asked === "zh" || (!asked && navigator.language.startsWith("zh")) ? "zh" : "en";
const text = TEXTS[lang];
const at = (id) => document.getElementById(id);
let shown = 0;
let codes = {};

document.documentElement.lang = lang;
for (const label of document.querySelectorAll("[data-text]")) label.textContent = text[label.dataset.text];

function showAway() {
  document.body.className = "away";
  at("state").textContent = text.away;
  at("verdict").className = "";
  at("word").textContent = "—";
  at("why").textContent = "";
  at("notes").replaceChildren();
  at("facts").replaceChildren();
  shown = 0;
}

function server(uplink) {
  const standing = text.standings[uplink.standing] ?? uplink.standing;
  return uplink.what ? `${standing} (${uplink.what})` : standing;
}

function waiting(counts) {
  return counts ? `${counts.records} + ${counts.samples} + ${counts.images}` : "—";
}

function note(label, code, more = "") {
  const why = codes[code]?.[lang];
  const line = document.createElement("p"), name = document.createElement("strong");
  name.textContent = `${label} ${code}${more ? `, ${more}` : ""}`;
  line.append(name, why ? ` ${why.cause} ${why.remedy}` : "");
  line.className = codes[code]?.severity ?? "fault";
  return line;
}

function notes(signals, last) {
  const error = signals["Status.ErrorCode"], warning = signals["Station.WarningCode"];
  return [
    ...(last?.code ? [note(last.verdict, last.code)] : []),
    ...(error ? [note(text.error, error, text.latched)] : []),
    ...(warning ? [note(text.warning, warning)] : []),
  ];
}

function condition({ signals, readiness }) {
  const reason = signals["Status.OfflineReason"];
  if (reason) return `${text.offline}: ${text.reasons[reason]}`;
  if (signals["Status.SystemBusy"]) return text.busy;
  if (signals["Status.TriggerReady"]) return text.ready;
  const why = codes[readiness?.obstacle]?.[lang];
  return why ? `${text.notReady}: ${why.cause} ${why.remedy}` : text.notReady;
}

function show(status) {
  const signals = status.signals, last = status.last;
  document.body.className = "";
  at("station").textContent = status.station;
  at("state").textContent = condition(status);
  at("verdict").className = last ? last.verdict : "";
  at("word").textContent = last ? last.verdict : "—";
  at("why").textContent = last ? (last.code ? `${last.code}` : "") : text.none;
  at("notes").replaceChildren(...notes(signals, last));
  if (status.picture_counter && status.picture_counter !== shown) {
    shown = status.picture_counter;
    at("frame").src = `api/last-frame.jpg?${shown}`;
    at("heat").src = `api/last-heatmap.jpg?${shown}`;
  }
  const recipe = signals["Station.ActiveRecipe"];
  const facts = {
    recipe: recipe ? `${recipe} ${status.recipes[recipe] ?? ""}` : "—",
    model: `${signals["Station.ModelName"]} ${signals["Station.ModelVersion"]}`,
    score: last ? (last.normalised_score ?? "—") : "—",
    ms: last ? last.trigger_to_publish_ms.toFixed(1) : "—",
    inference: last ? last.inference_ms.toFixed(1) : "—",
    serial: last ? last.serial : "",
    total: signals["Statistics.Total"], missed: signals["Statistics.Missed"],
    ok: signals["Statistics.Ok"], ng: signals["Statistics.Ng"],
    modbus: status.modbus ?? "—",
    server: server(status.uplink), waiting: waiting(status.uplink.waiting),
  };
  at("facts").replaceChildren(...Object.entries(facts).flatMap(([key, value]) => {
    const term = document.createElement("dt"), fact = document.createElement("dd");
    term.textContent = text[key];
    fact.textContent = value;
    return [term, fact];
  }));
}

async function turn() {
  try {
    if (!Object.keys(codes).length) codes = await (await fetch("api/codes", { signal: AbortSignal.timeout(2000) })).json();
    const answer = await fetch("api/status", { signal: AbortSignal.timeout(2000) });
    if (answer.ok) show(await answer.json());
    else showAway();
  } catch {
    showAway();
  }
  setTimeout(turn, 400);
}

showAway();
turn();
