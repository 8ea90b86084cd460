// What an application built on ethers does with a node.
import {
  AbiCoder, Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider,
  concat, getCreate2Address, id, keccak256, parseEther, toBeHex, zeroPadValue,
} from "ethers";
import { check, failure, input, run, same, within } from "./steps.mjs";

const provider = new JsonRpcProvider(input.url, undefined, { cacheTimeout: -1, pollingInterval: 20 });
const wallet = new Wallet(input.key, provider);
const { Child, Counter, Token, Factory } = input.contracts;
const fresh = () => Wallet.createRandom().address;
const mined = async (sent) => (await sent).wait(1, 15_000);

let counter, token, factory, deployBlock;

async function deploy(artifact, ...args) {
  const contract = await new ContractFactory(artifact.abi, artifact.bytecode, wallet).deploy(...args);
  await contract.waitForDeployment();
  return contract;
}

const steps = {
  async network() {
    same((await provider.getNetwork()).chainId, BigInt(input.chainId), "chain id");
    check((await provider.getBlockNumber()) >= 0, "block number");
    check(typeof (await provider.send("web3_clientVersion", [])) === "string", "client version");
    same(await provider.send("net_version", []), String(input.chainId), "net_version");
  },

  async balance() {
    check((await provider.getBalance(wallet.address)) > parseEther("1"), "the account is funded");
    same(await provider.getBalance(fresh()), 0n, "balance of nobody");
    same(await provider.getTransactionCount(fresh()), 0, "nonce of nobody");
    same(await provider.getCode(fresh()), "0x", "code of nobody");
  },

  async sendValue() {
    const to = fresh();
    const before = await provider.getTransactionCount(wallet.address);
    const balance = await provider.getBalance(wallet.address);
    const receipt = await mined(wallet.sendTransaction({ to, value: 12345n }));
    same([receipt.status, receipt.gasUsed, receipt.type], [1, 21000n, 2], "status, gas, type");
    same(await provider.getBalance(to), 12345n, "receiver's balance");
    same(await provider.getTransactionCount(wallet.address), before + 1, "nonce");
    const left = balance - 12345n - receipt.gasUsed * receipt.gasPrice;
    check((await provider.getBalance(wallet.address)) <= left, "the sender paid for the gas");
    const sent = await provider.getTransaction(receipt.hash);
    same([sent.from, sent.to, sent.value, sent.nonce], [wallet.address, to, 12345n, before], "transaction");
    same(sent.blockHash, receipt.blockHash, "block hash");
  },

  async deploy() {
    counter = await deploy(Counter);
    token = await deploy(Token, "Test Token", "TT", parseEther("1000000"));
    factory = await deploy(Factory);
    const receipt = await token.deploymentTransaction().wait();
    deployBlock = receipt.blockNumber;
    same(receipt.contractAddress, await token.getAddress(), "contract address");
    same(await provider.getCode(token), Token.runtime, "runtime code");
    same(await counter.creator(), wallet.address, "immutable");
  },

  async call() {
    same(await token.name(), "Test Token", "name");
    same(await token.decimals(), 18n, "decimals");
    same(await token.balanceOf(wallet.address), parseEther("1000000"), "balance");
    const slot2 = await provider.getStorage(token, 2);
    same(BigInt(slot2), parseEther("1000000"), "totalSupply in storage");
  },

  async estimateGas() {
    const to = fresh();
    const estimate = await token.transfer.estimateGas(to, 1n);
    const receipt = await mined(token.transfer(to, 1n));
    check(estimate >= receipt.gasUsed, `estimate ${estimate} below the gas used ${receipt.gasUsed}`);
    check(estimate * 10n <= receipt.gasUsed * 13n, `estimate ${estimate} far above ${receipt.gasUsed}`);
    same(await provider.estimateGas({ from: wallet.address, to: fresh(), value: 1n }), 21000n, "transfer");
  },

  async events() {
    const to = fresh();
    const receipt = await mined(token.transfer(to, 77n));
    same(receipt.logs.length, 1, "logs");
    const parsed = token.interface.parseLog(receipt.logs[0]);
    same([parsed.name, parsed.args.to, parsed.args.value], ["Transfer", to, 77n], "event");
    const found = await token.queryFilter(token.filters.Transfer(null, to), deployBlock);
    same(found.map((log) => log.transactionHash), [receipt.hash], "queryFilter");
    const byHash = await provider.getLogs({ blockHash: receipt.blockHash, address: await token.getAddress() });
    check(byHash.some((log) => log.transactionHash === receipt.hash), "getLogs by block hash");
    const topics = [[id("Nothing()"), id("Transfer(address,address,uint256)")], null, [zeroPadValue(to, 32)]];
    same((await provider.getLogs({ fromBlock: 0, toBlock: "latest", topics })).length, 1, "topic alternatives");
    same(await provider.getLogs({ fromBlock: 0, topics: [id("Nothing()")] }), [], "no such topic");
  },

  async filters() {
    const address = await counter.getAddress();
    const logs = await provider.send("eth_newFilter", [{ address }]);
    const blocks = await provider.send("eth_newBlockFilter", []);
    const receipt = await mined(counter.incrementMany(3));
    const changes = await provider.send("eth_getFilterChanges", [logs]);
    same(changes.map((log) => log.transactionHash), Array(3).fill(receipt.hash), "changes");
    same(changes.map((log) => log.removed ?? false), [false, false, false], "removed");
    same(await provider.send("eth_getFilterChanges", [logs]), [], "changes are given once");
    same((await provider.send("eth_getFilterLogs", [logs])).length, 3, "filter logs");
    const hashes = await provider.send("eth_getFilterChanges", [blocks]);
    check(hashes.includes(receipt.blockHash), "block filter");
    same(await provider.send("eth_uninstallFilter", [logs]), true, "uninstall");
    await provider.send("eth_uninstallFilter", [blocks]);
  },

  async reverts() {
    const reason = await failure(counter.failWithReason(), "failWithReason");
    same([reason.code, reason.reason], ["CALL_EXCEPTION", "counter: refused"], "reason");
    const custom = await failure(counter.failWithCustomError(9), "failWithCustomError");
    same([custom.revert?.name, custom.revert?.args[0], custom.revert?.args[1]],
      ["Refused", wallet.address, 9n], "custom error");
    const panic = await failure(counter.failWithPanic(0), "failWithPanic");
    same([panic.revert?.name, BigInt(panic.revert?.args[0] ?? 0)], ["Panic", 0x12n], "panic");
    const silent = await failure(counter.failSilently(), "failSilently");
    same(silent.code, "CALL_EXCEPTION", "silent");
    const estimate = await failure(counter.failWithCustomError.estimateGas(5), "estimate of a revert");
    same(counter.interface.parseError(estimate.data)?.args[1], 5n, "custom error from estimateGas");
    const short = await failure(token.transfer.staticCall(fresh(), parseEther("9999999")), "transfer without funds");
    same(short.revert?.name, "ERC20InsufficientBalance", "ERC-6093");
  },

  async failedTransaction() {
    const data = counter.interface.encodeFunctionData("failWithReason");
    const sent = await wallet.sendTransaction({ to: await counter.getAddress(), data, gasLimit: 100_000n });
    const error = await failure(sent.wait(1, 15_000), "wait for a failed transaction");
    same([error.code, error.receipt?.status, error.receipt?.logs.length], ["CALL_EXCEPTION", 0, 0], "receipt");
  },

  async transactionTypes() {
    const to = await counter.getAddress();
    const data = counter.interface.encodeFunctionData("increment", ["types"]);
    const { gasPrice } = await provider.getFeeData();
    const legacy = await mined(wallet.sendTransaction({ type: 0, gasPrice, to, data }));
    same([legacy.type, legacy.status], [0, 1], "legacy");
    const accessList = [{ address: to, storageKeys: [zeroPadValue("0x00", 32)] }];
    const listed = await mined(wallet.sendTransaction({ type: 1, gasPrice, to, data, accessList }));
    same([listed.type, listed.status], [1, 1], "access list");
    same((await provider.getTransaction(listed.hash)).accessList.length, 1, "access list comes back");
  },

  async nonceOrder() {
    const manager = new NonceManager(wallet);
    const start = await counter.count();
    const sends = Array.from({ length: 8 }, () => counter.connect(manager).increment("order"));
    const receipts = await Promise.all((await Promise.all(sends)).map((sent) => sent.wait(1, 15_000)));
    const places = receipts.map((receipt) => [receipt.blockNumber, receipt.index]);
    const sorted = [...places].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    same(places, sorted, "nonce order is block order");
    same(await counter.count(), start + 8n, "count");
  },

  async refusals() {
    const nonce = await provider.getTransactionCount(wallet.address);
    const old = await failure(wallet.sendTransaction({ to: fresh(), nonce: nonce - 1, gasLimit: 21000n }), "nonce");
    same(old.code, "NONCE_EXPIRED", "old nonce");
    const poor = Wallet.createRandom(provider);
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 0n, gasLimit: 21000n };
    const broke = await failure(poor.sendTransaction({ to: fresh(), value: 1n, ...fees }), "no funds");
    same(broke.code, "INSUFFICIENT_FUNDS", "no funds");
    const other = { to: fresh(), nonce, chainId: input.chainId + 1, type: 2, ...fees };
    await failure(provider.broadcastTransaction(await wallet.signTransaction(other)), "another chain's transaction");
    const little = { to: fresh(), nonce, chainId: input.chainId, type: 2, ...fees, gasLimit: 20999n };
    await failure(provider.broadcastTransaction(await wallet.signTransaction(little)), "gas below the intrinsic");
    await failure(provider.send("eth_sendRawTransaction", ["0x02c0"]), "malformed transaction");
  },

  async blocks() {
    const receipt = await mined(counter.increment("block"));
    const block = await provider.getBlock(receipt.blockNumber, true);
    same(block.hash, receipt.blockHash, "hash");
    check(block.prefetchedTransactions.some((sent) => sent.hash === receipt.hash), "full transactions");
    same((await provider.getBlock(block.parentHash)).number, block.number - 1, "parent");
    same(await provider.getBlock(block.number + 1_000_000), null, "a block to come");
    same((await provider.getBlock("earliest")).number, 0, "earliest");
    for (const tag of ["safe", "finalized", "pending"]) await provider.getBlock(tag);
    const environment = await counter.environment({ blockTag: block.number });
    same([environment.number, environment.timestamp, environment.chainId, environment.gasLimit],
      [BigInt(block.number), BigInt(block.timestamp), BigInt(input.chainId), block.gasLimit], "environment");
  },

  async history() {
    const before = await provider.getBlockNumber();
    const count = await counter.count();
    await mined(counter.increment("later"));
    same(await counter.count({ blockTag: before }), count, "call at an older block");
    same(await counter.count(), count + 1n, "call now");
  },

  async create2() {
    const salt = toBeHex(BigInt(Date.now()), 32);
    const receipt = await mined(factory.make2(salt, 42n, { value: 5n }));
    const made = factory.interface.parseLog(receipt.logs[0]).args.child;
    const code = concat([Child.bytecode, AbiCoder.defaultAbiCoder().encode(["uint256"], [42n])]);
    same(made, getCreate2Address(await factory.getAddress(), salt, keccak256(code)), "address");
    same(made, await factory.addressOf(salt, 42n), "address by the contract");
    same(await provider.getBalance(made), 5n, "endowment");
    await failure(factory.make2(salt, 42n), "the same address twice");
    const brief = toBeHex(BigInt(Date.now()) + 1n, 32);
    const retired = await mined(factory.makeAndRetire(brief, 1n, { value: 5n }));
    same(retired.status, 1, "made and retired in one transaction");
    same(await provider.getCode(await factory.addressOf(brief, 1n)), "0x", "retired code is gone");
  },

  async setCode() {
    const account = Wallet.createRandom(provider);
    const address = await counter.getAddress();
    const authorization = await account.authorize({ address, nonce: 0, chainId: input.chainId });
    const receipt = await mined(wallet.sendTransaction({ type: 4, to: account.address, authorizationList: [authorization] }));
    same([receipt.type, receipt.status], [4, 1], "type and status");
    same(await provider.getCode(account), concat(["0xef0100", address]).toLowerCase(), "delegation");
    const [self] = await new Contract(account.address, Counter.abi, provider).whoAmI();
    same(self, account.address, "runs as the account");
    const sent = await provider.getTransaction(receipt.hash);
    same(sent.authorizationList.length, 1, "authorization comes back");
  },

  async fees() {
    const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
    check(gasPrice > 0n && maxFeePerGas >= maxPriorityFeePerGas, "fee data");
    const history = await provider.send("eth_feeHistory", ["0x4", "latest", [25, 75]]);
    const blocks = history.gasUsedRatio.length;
    check(blocks >= 1 && blocks <= 4, "blocks");
    same([history.baseFeePerGas.length, history.reward.length], [blocks + 1, blocks], "lengths");
    same(history.reward[0].length, 2, "percentiles");
  },

  async subscriptions() {
    const socket = new WebSocketProvider(input.wsUrl);
    try {
      const heard = new Contract(await counter.getAddress(), Counter.abi, socket);
      const first = (subscribe) => new Promise((resolve) => subscribe(resolve));
      const pending = first((got) => socket.on("pending", got));
      const event = first((got) => heard.on("Counted", (by, count, note) => got([by, note])));
      const heads = first((got) => socket.on("block", got));
      // The provider subscribes in the background; a call on the same socket queues up behind that.
      await socket.getBlockNumber();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const receipt = await mined(counter.increment("heard"));
      check((await within(heads, "newHeads", 8000)) <= receipt.blockNumber, "newHeads");
      same(await within(event, "logs", 8000), [wallet.address, "heard"], "logs");
      same((await within(pending, "newPendingTransactions", 8000)).length, 66, "newPendingTransactions");
    } finally {
      await socket.destroy();
    }
  },
};

await run(steps);
