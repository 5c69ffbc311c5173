/// <reference lib="esnext.disposable" preserve="true" />
export { PagerService, type CreateVmoOptions, type PagerServiceOptions } from './pager-service.js';
export type { PagerVmo } from './pager-vmo.js';
export type { ByteRange, ReadContext, ReadOutcome, VmoBacking, WritableVmoBacking } from './vmo-backing.js';
export { PagerError, type PagerErrorCode, type PagerErrorOptions } from './pager-error.js';
export type { RequestFailure } from './pager-service-core.js';
export type { PagerMetrics } from './pager-metrics.js';
export type { FrameLoan, HandleResult, PagerHost, PagerPacket, StatusResult } from './pager-host.js';
