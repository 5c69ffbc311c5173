import { buildCsrAccess, buildCsrEntry, buildReadCsr, buildReadCsrOfHost, buildWriteCsr, buildWriteCsrOfHost } from '../hart/csr-access.js'; // prettier-ignore
import { HELPER_DONE } from '../hart/helper-result.js';
import { buildUpdateAddressSpace, buildUpdateMode } from '../hart/translation-mode.js';
import { buildEnterTrap, buildMret, buildPendingInterrupt, buildSret, buildTakeInterrupt, buildTakeTrap, buildWfi } from '../hart/trap.js'; // prettier-ignore
import { buildFlushBank, buildFlushBanks, buildFlushPage, buildOrderInvalidation, buildSelectBank, buildSfenceVma } from '../mmu/tlb-banks.js'; // prettier-ignore
import { i32c } from '../wasm/code.js';
import { FunctionBody } from '../wasm/function-body.js';
import type { ModuleBuilder } from '../wasm/module-builder.js';
import type { CoreIndices } from './imports.js';

/** Stores into code are seen at once, with or without a fence. */
function buildFenceI(): FunctionBody {
  const f = new FunctionBody(1);
  i32c(HELPER_DONE)(f);
  return f;
}

/** Defines CSRs, traps, the modes of translation and fences. */
export function defineSystem(module: ModuleBuilder, indices: CoreIndices): void {
  const { helpers } = indices;
  module.define(indices.selectBank, buildSelectBank());
  module.define(indices.flushBank, buildFlushBank());
  module.define(indices.flushBanks, buildFlushBanks(indices));
  module.define(indices.flushPage, buildFlushPage(indices));
  module.define(indices.updateMode, buildUpdateMode(indices));
  module.define(indices.updateAddressSpace, buildUpdateAddressSpace(indices));
  module.define(indices.pendingInterrupt, buildPendingInterrupt());
  module.define(indices.enterTrap, buildEnterTrap(indices));
  module.define(indices.takeTrap, buildTakeTrap(indices));
  module.define(indices.takeInterrupt, buildTakeInterrupt(indices));
  module.define(indices.csrEntry, buildCsrEntry());
  module.define(indices.readCsr, buildReadCsr(indices));
  module.define(indices.writeCsr, buildWriteCsr(indices));
  module.define(indices.readCsrOfHost, buildReadCsrOfHost(indices));
  module.define(indices.writeCsrOfHost, buildWriteCsrOfHost(indices));
  module.define(helpers.csrAccess, buildCsrAccess(indices));
  module.define(helpers.mret, buildMret(indices));
  module.define(helpers.sret, buildSret(indices));
  module.define(helpers.wfi, buildWfi());
  module.define(helpers.sfenceVma, buildSfenceVma(indices));
  module.define(helpers.orderInvalidation, buildOrderInvalidation());
  module.define(helpers.fenceI, buildFenceI());
}
