import { BadRequestException, Body, Controller, Get, Post } from '@nestjs/common';
import { CustomersStore, type Customer } from './customers.store';

@Controller('customers')
export class CustomersController {
  constructor(private readonly store: CustomersStore) {}

  @Get()
  list(): Customer[] {
    return this.store.list();
  }

  @Post()
  add(@Body() body: Partial<Customer>): Customer {
    const { name, city } = body ?? {};
    if (!name || !city) throw new BadRequestException('name and city are required');
    this.store.add({ name, city });
    return { name, city };
  }
}
