import { Module } from '@nestjs/common';
import { CustomersController } from './customers.controller';
import { CustomersStore } from './customers.store';
import { StateController } from './state.controller';
import { SwitchesController } from './switches.controller';

@Module({
  controllers: [CustomersController, StateController, SwitchesController],
  providers: [CustomersStore],
})
export class AppModule {}
