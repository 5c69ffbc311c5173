/** Replies that mean the same whatever was asked. The numbers of errors are those of errno, which GDB does not look at. */

export const OK = 'OK';
/** The packet is not known here. */
export const UNSUPPORTED = '';
/** The packet cannot be understood, or there is no such register or thread. */
export const ERROR_INVALID = 'E16';
/** There is no memory there. */
export const ERROR_ADDRESS = 'E0e';
