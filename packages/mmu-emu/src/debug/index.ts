export { readRegister, writeRegister } from './registers.js';
